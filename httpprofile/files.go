package httpprofile

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/profscope/profscope/internal/session"
)

// listed is one line of /profiles: a recording, or a file of an earlier one.
type listed struct {
	Name    string `json:"name"`
	State   string `json:"state"` // recording, done, or failed
	File    string `json:"file,omitempty"`
	Path    string `json:"path,omitempty"`
	Bytes   int64  `json:"bytes"`
	Began   string `json:"began,omitempty"`
	Ended   string `json:"ended,omitempty"`
	Peer    string `json:"peer,omitempty"`
	Elapsed int64  `json:"elapsed_ns,omitempty"`
	Error   string `json:"error,omitempty"`
}

func (h *handler) list(w http.ResponseWriter, _ *http.Request) error {
	root, err := h.folder.open()
	if err != nil {
		return err
	}
	defer root.Close()
	files, err := h.folder.files(root)
	if err != nil {
		return err
	}
	all := []listed{}
	running, ended := session.Recordings()
	began := make(map[string]time.Time) // by file
	for _, x := range running {
		began[x.File()] = x.Began
		all = append(all, listed{Name: x.Name, State: "recording", File: filepath.Base(x.File()), Path: x.File(),
			Bytes: x.TraceBytes(), Began: stamp(x.Began), Peer: x.Peer, Elapsed: int64(time.Since(x.Began))})
	}
	last := make(map[string]*session.Recording) // by file
	for _, x := range ended {
		last[x.File()] = x
		if s := x.Result(); s.Err != nil {
			all = append(all, listed{Name: x.Name, State: "failed", Began: stamp(x.Began), Ended: stamp(s.Ended), Peer: x.Peer, Error: s.Err.Error()})
		}
	}
	abs, err := filepath.Abs(root.Name())
	if err != nil {
		return err
	}
	for _, info := range files {
		l := listed{Name: info.Name(), State: "done", File: info.Name(), Path: filepath.Join(abs, info.Name()), Bytes: info.Size(), Ended: stamp(info.ModTime())}
		if b, ok := began[l.Path]; ok && info.ModTime().After(b) {
			continue // a Flush has written a part of the recording
		}
		if x := last[l.Path]; x != nil {
			if s := x.Result(); s.Err == nil {
				l.Name, l.Began, l.Ended, l.Peer, l.Elapsed = x.Name, stamp(x.Began), stamp(s.Ended), x.Peer, int64(s.Elapsed)
			}
		}
		all = append(all, l)
	}
	slices.SortStableFunc(all, func(a, b listed) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.State, b.State), cmp.Compare(a.File, b.File))
	})
	reply(w, http.StatusOK, map[string]any{"profiles": all})
	return nil
}

// find returns the file that name stands for: a file's own name, or the name
// of a recording, whose last file is meant.
func (h *handler) find(root *os.Root, name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	candidates := []string{name}
	if x := session.FindRecording(name); x != nil {
		if x.Running() { // a Flush may have written a part of it
			return "", failf(http.StatusConflict, "%q is being recorded since %s: POST /stop_profile first", name, stamp(x.Began))
		}
		candidates = append(candidates, filepath.Base(x.File()))
	}
	for _, e := range fileEndings {
		candidates = append(candidates, name+e)
	}
	for _, c := range candidates {
		info, err := root.Lstat(c)
		if err == nil && info.Mode().IsRegular() {
			return c, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", failf(http.StatusNotFound, "there is no profile %q: GET /profiles lists them", name)
}

// A client that reads slowly is given a minute, and a second for every 64 KiB.
const (
	readPatience = time.Minute
	readRate     = 64 << 10
)

// named returns the folder, which the caller closes, and the file in it that
// the request is about.
func (h *handler) named(r *http.Request) (root *os.Root, name string, err error) {
	if root, err = h.folder.open(); err != nil {
		return nil, "", err
	}
	if name, err = h.find(root, r.PathValue("name")); err != nil {
		root.Close()
		return nil, "", err
	}
	return root, name, nil
}

func (h *handler) get(w http.ResponseWriter, r *http.Request) error {
	root, name, err := h.named(r)
	if err != nil {
		return err
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	patience := readPatience + time.Duration(info.Size()/readRate)*time.Second
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience)) // where there is no such thing, there is none
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	http.ServeContent(w, r, "", info.ModTime(), f)
	return nil
}

func (h *handler) remove(w http.ResponseWriter, r *http.Request) error {
	root, name, err := h.named(r)
	if err != nil {
		return err
	}
	defer root.Close()
	abs, err := filepath.Abs(root.Name())
	if err != nil {
		return err
	}
	if err := root.Remove(name); err != nil {
		return err
	}
	session.ForgetFile(filepath.Join(abs, name))
	h.log.Info("profscope: profile removed", "file", name, "peer", r.RemoteAddr)
	reply(w, http.StatusOK, map[string]string{"file": name, "state": "removed"})
	return nil
}
