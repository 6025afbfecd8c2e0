package httpprofile

import (
	"net/http"

	"github.com/profscope/profscope/internal/session"
)

// states are in nanoseconds.
type states struct {
	Running  int64 `json:"running"`
	Runnable int64 `json:"runnable"`
	Blocked  int64 `json:"blocked"`
	Syscall  int64 `json:"syscall"`
	Unknown  int64 `json:"unknown"`
}

// stopped is what a recording was.
type stopped struct {
	Name    string `json:"name"`
	State   string `json:"state"`
	Path    string `json:"path"`
	Bytes   int64  `json:"bytes"`
	Elapsed int64  `json:"elapsed_ns"`
	States  states `json:"states"`
	EndedBy string `json:"ended_by,omitempty"` // "duration" or "max_bytes"
}

func newStopped(x *session.Recording, s *session.Result) stopped {
	t := &s.States
	return stopped{
		Name: x.Name, State: "done", Path: x.File(), Bytes: s.Bytes, Elapsed: int64(s.Elapsed), EndedBy: s.Why,
		States: states{int64(t.Running), int64(t.Runnable), int64(t.Blocked), int64(t.Syscall), int64(t.Unknown)},
	}
}

// stop ends a recording. It says the same again when there is none of that
// name any more.
func (h *handler) stop(w http.ResponseWriter, r *http.Request) error {
	q, err := h.read(w, r)
	if err != nil {
		return err
	}
	x := session.FindRecording(q.Name)
	if x == nil {
		reply(w, http.StatusOK, map[string]string{"name": q.Name, "state": "idle"})
		return nil
	}
	s := x.Stop()
	if s.Err != nil {
		return s.Err
	}
	reply(w, http.StatusOK, newStopped(x, &s))
	return nil
}
