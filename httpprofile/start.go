package httpprofile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/internal/dest"
	"github.com/profscope/profscope/internal/session"
)

// request is the body of /start_profile and /stop_profile. All other fields
// are passed over: vLLM's benchmark client sends the completion request that it
// has at hand.
type request struct {
	Name     string `json:"name"`
	Format   string `json:"format"`
	Duration string `json:"duration"`
	Since    string `json:"since"`
	MaxBytes int64  `json:"max_bytes"`
}

// examples are what the fields of a request look like, for those who had
// another idea.
var examples = map[string]string{
	"name": `{"name":"load"}`, "format": `{"format":"txt"}`, "duration": `{"duration":"10s"}`, "since": `{"since":"-30s"}`,
	"max_bytes": `{"max_bytes":1000000}`,
}

// defaultName is the recording of those who name none.
const defaultName = "profile"

// bodyPatience is how long a client may take to send its body.
const bodyPatience = 30 * time.Second

// read reads the body, which may be empty.
func (h *handler) read(w http.ResponseWriter, r *http.Request) (q request, err error) {
	ctl := http.NewResponseController(w)
	if ctl.SetReadDeadline(time.Now().Add(bodyPatience)) == nil {
		defer func() { _ = ctl.SetReadDeadline(time.Time{}) }()
	}
	err = json.NewDecoder(http.MaxBytesReader(w, r.Body, h.limits.BodyBytes)).Decode(&q)
	var tooLong *http.MaxBytesError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
	case errors.As(err, &tooLong):
		return q, failf(http.StatusRequestEntityTooLarge, "the body is longer than %d bytes", tooLong.Limit)
	case errors.As(err, &kind):
		if kind.Field == "" {
			return q, failf(http.StatusBadRequest, "the body is no JSON object, but %s: it must be as %s, or empty", kind.Value, examples["duration"])
		}
		return q, failf(http.StatusBadRequest, "%s is a JSON %s, and must be as in %s", kind.Field, kind.Value, examples[kind.Field])
	case err != nil:
		return q, failf(http.StatusBadRequest, "the body is no JSON object as it should be: %w", err)
	}
	if q.Name == "" {
		q.Name = defaultName
	}
	return q, checkName(q.Name)
}

var formats = regexp.MustCompile(`^[a-z]{2,8}(\.gz)?$`)

// fileEndings are those by which a name chooses a format itself.
var fileEndings = dest.Endings()

// file returns the name of the recording's file.
func (q *request) file() (string, error) {
	ending := strings.ToLower(strings.TrimPrefix(q.Format, "."))
	if ending == "" {
		for _, e := range fileEndings {
			if strings.HasSuffix(q.Name, e) {
				return q.Name, nil
			}
		}
		ending = "prof"
	}
	if !formats.MatchString(ending) {
		return "", failf(http.StatusBadRequest, "the format %q is none: %s are", q.Format, dest.Listed(fileEndings))
	}
	return q.Name + "." + ending, nil
}

// summed reports whether a file of that name has sums, to which what is kept of
// earlier can be added.
func summed(file string) bool {
	f, err := dest.FormatOf(file, "")
	return err != nil || !f.Recorded() // what is no format is refused where the file is opened
}

// span reads a duration of the body.
func span(field, s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, failf(http.StatusBadRequest, "%s is %q, and must be a number with a unit, as in %s", field, s, examples[field])
	}
	return d, nil
}

func (h *handler) start(w http.ResponseWriter, r *http.Request) error {
	q, err := h.read(w, r)
	if err != nil {
		return err
	}
	s := session.Request{Name: q.Name, Peer: r.RemoteAddr, Limit: h.limits.Recordings, Duration: h.limits.Duration, MaxBytes: q.MaxBytes, Ended: h.ended}
	switch d, err := span("duration", q.Duration); {
	case err != nil:
		return err
	case d < 0 || d == 0 && q.Duration != "":
		return failf(http.StatusBadRequest, "duration is %q, and must be more than 0", q.Duration)
	case d > h.limits.Duration:
		return failf(http.StatusBadRequest, "duration is %v, and must be at most %v", d, h.limits.Duration)
	case d > 0:
		s.Duration = d
	}
	switch d, err := span("since", q.Since); {
	case err != nil:
		return err
	case d > 0:
		return failf(http.StatusBadRequest, "since is %q, and must be a time before now, as -30s", q.Since)
	default:
		s.Since = -d
	}
	if q.MaxBytes < 0 {
		return failf(http.StatusBadRequest, "max_bytes is %d, and must not be negative", q.MaxBytes)
	}
	file, err := q.file()
	if err != nil {
		return err
	}
	if s.Since > 0 && !summed(file) {
		return failf(http.StatusBadRequest, "since works with prof, txt and folded, and not with %s, which shows what happened when: that is not kept for it", file)
	}
	s.Options = []session.Option{cprofile.Name(q.Name), cprofile.Format(strings.TrimPrefix(q.Format, "."))}
	x, err := h.begin(s, file)
	if err != nil {
		h.notStarted(r.Context(), &s, err)
		return err
	}
	h.log.Info("profscope: recording started", "name", x.Name, "path", x.File(), "peer", x.Peer)
	reply(w, http.StatusOK, map[string]any{"name": x.Name, "path": x.File(), "state": "recording", "since": stamp(x.Began)})
	return nil
}

// begin begins a recording into a file of the folder.
func (h *handler) begin(s session.Request, file string) (*session.Recording, error) {
	root, err := h.folder.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if s.File, err = h.folder.path(root, file); err != nil {
		return nil, err
	}
	left, err := h.folder.room(root)
	if err != nil {
		return nil, err
	}
	if s.MaxBytes == 0 || s.MaxBytes > left {
		s.MaxBytes = left
	}
	x, err := session.Record(s)
	if err != nil {
		return nil, startFailure(err)
	}
	return x, nil
}

// notStarted logs why a recording did not begin: as an error if something is wrong
// with the server, and not if a client asked for what cannot be, or for anything
// while PROFSCOPE=off. What cannot be read of a request is told by the answer alone:
// the words of it could be as long as a body.
func (h *handler) notStarted(ctx context.Context, s *session.Request, err error) {
	level, what := slog.LevelError, "profscope: recording not started"
	var f *failure
	if errors.As(err, &f) && f.status < 500 || errors.Is(err, session.ErrOff) {
		level, what = slog.LevelInfo, "profscope: recording refused"
	}
	h.log.Log(ctx, level, what, "name", s.Name, "peer", s.Peer, "error", err)
}

// startFailure gives an error of the recording its status.
func startFailure(err error) error {
	f := &failure{status: http.StatusInternalServerError, err: err}
	var busy *session.BusyError
	switch {
	case errors.As(err, &busy):
		f.status = http.StatusConflict
		f.fields = map[string]any{"name": busy.By.Name, "since": stamp(busy.By.Began), "peer": busy.By.Peer}
	case errors.Is(err, session.ErrTooMany):
		f.status = http.StatusTooManyRequests
	case errors.Is(err, session.ErrFormat), errors.Is(err, session.ErrNotKept):
		f.status = http.StatusBadRequest
	case errors.Is(err, session.ErrOff):
		f.status = http.StatusServiceUnavailable
	}
	return f
}

// ended logs a recording's end, whoever caused it.
func (h *handler) ended(x *session.Recording, s session.Result) {
	if s.Err != nil {
		h.log.Error("profscope: recording failed", "name", x.Name, "path", x.File(), "error", s.Err)
		return
	}
	why := s.Why
	if why == "" {
		why = "asked"
	}
	h.log.Info("profscope: recording stopped", "name", x.Name, "path", x.File(), "bytes", s.Bytes, "elapsed", fmt.Sprint(s.Elapsed), "why", why)
}
