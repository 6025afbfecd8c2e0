package launch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// request is what an operator's process asks of a session: one for each
// connection, as a line of JSON.
type request struct {
	Op     string `json:"op"` // status, start, stop, cancel, snapshot
	Output string `json:"output,omitempty"`
}

type answer struct {
	Error   string    `json:"error,omitempty"`
	Status  *Status   `json:"status,omitempty"`
	Files   []Written `json:"files"`
	Started int       `json:"started"`
}

// patience is what a client may take to ask and to listen.
const patience = 10 * time.Second

// control serves the operators of a session under its name.
func (s *session) control(name string) (*listener, error) {
	dir, err := sessionFolder()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name+socketEnding)
	if err := checkSocketPath(path); err != nil {
		return nil, fmt.Errorf("%w: a shorter XDG_RUNTIME_DIR or session name helps", err)
	}
	unlock, err := lockFolder(dir, patience)
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", name, err)
	}
	defer unlock()
	if isListening(path) {
		return nil, fmt.Errorf("session %s: there is one of that name", name)
	}
	s.mu.Lock()
	s.name = name
	s.mu.Unlock()
	return listen(path, nil, s.serve)
}

const socketEnding = ".sock"

// isListening reports whether there is somebody at a socket, who need not answer:
// a launcher that was stopped, or has no processor, has its session yet. Only a
// connection that is refused, and a name that is not there, tell that there is
// nobody.
func isListening(path string) bool {
	c, err := net.DialTimeout("unix", path, patience)
	if err != nil {
		return !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, fs.ErrNotExist)
	}
	c.Close()
	return true
}

func (s *session) serve(c *net.UnixConn) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	var q request
	if err := json.NewDecoder(io.LimitReader(c, 64<<10)).Decode(&q); err != nil {
		return
	}
	a := s.answer(q)
	if a.Files == nil {
		a.Files = []Written{}
	}
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	_ = json.NewEncoder(c).Encode(a)
}

func (s *session) answer(q request) (a answer) {
	var err error
	switch q.Op {
	case "status":
		st := s.status()
		a.Status = &st
	case "start":
		a.Started, err = s.start(q.Output)
	case "stop":
		a.Files, err = s.stop(false)
	case "cancel":
		a.Files, err = s.stop(true)
	case "snapshot":
		a.Files, err = s.snapshot()
	default:
		err = fmt.Errorf("there is no operation %q", q.Op)
	}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

// Session is one that runs, seen from another process.
type Session struct {
	Name string
	path string
}

// ErrNoSession is the error where none runs, or none of the name.
var ErrNoSession = errors.New("there is no session")

// Sessions lists those of this user. Sockets that nobody answers are removed.
func Sessions() ([]Session, error) {
	dir, err := sessionFolder()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("folder of the sessions: %w", err)
	}
	var all []Session
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), socketEnding)
		if !ok {
			continue
		}
		s := Session{name, filepath.Join(dir, e.Name())}
		if isListening(s.path) {
			all = append(all, s)
		} else {
			removeStale(dir, s.path)
		}
	}
	return all, nil
}

// removeStale removes the socket of a launcher that was killed, unless another
// takes its name meanwhile. What is left is removed by who lists them next.
func removeStale(dir, path string) {
	unlock, err := lockFolder(dir, time.Second)
	if err != nil {
		return
	}
	defer unlock()
	if !isListening(path) {
		_ = os.Remove(path)
	}
}

// Find returns the sessions of that name, the only one for "", or all.
func Find(name string, all bool) ([]Session, error) {
	ss, err := Sessions()
	if err != nil {
		return nil, err
	}
	names := make([]string, len(ss))
	for i, s := range ss {
		names[i] = s.Name
	}
	switch {
	case all:
		return ss, nil
	case name != "":
		if i := slices.Index(names, name); i >= 0 {
			return ss[i : i+1], nil
		}
		if len(ss) == 0 {
			return nil, fmt.Errorf("%w %s, nor any other", ErrNoSession, name)
		}
		return nil, fmt.Errorf("%w %s, but %s", ErrNoSession, name, strings.Join(names, ", "))
	case len(ss) == 0:
		return nil, ErrNoSession
	case len(ss) > 1:
		return nil, fmt.Errorf("there are several sessions: --session= one of %s, or --all", strings.Join(names, ", "))
	}
	return ss, nil
}

// Silent is the state of a session that runs, and has not said how it is: its
// launcher is stopped, or has no processor.
const Silent = "does not answer"

// statusWait is for what an answer takes no time for. Who lists sessions waits for
// the one that gives none.
const statusWait = 2 * time.Second

// Statuses asks all of them at once. Those that have ended meanwhile are left out.
func Statuses(ss []Session) []Status {
	answers := make([]*Status, len(ss))
	var asked sync.WaitGroup
	for i, s := range ss {
		asked.Go(func() {
			st, err := s.status(statusWait)
			switch {
			case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.EAGAIN):
				answers[i] = &Status{Name: s.Name, State: Silent, Processes: []ProcessStatus{}, Files: []Written{}}
			case err == nil:
				answers[i] = &st
			}
		})
	}
	asked.Wait()
	all := []Status{}
	for _, st := range answers {
		if st != nil {
			all = append(all, *st)
		}
	}
	return all
}

// FindProcess returns the session in which the process of that id runs.
func FindProcess(pid int) (Session, error) {
	ss, err := Sessions()
	if err != nil {
		return Session{}, err
	}
	silent := ""
	for _, st := range Statuses(ss) {
		if st.State == Silent {
			silent += fmt.Sprintf(" (session %q, which may, %s)", st.Name, Silent)
		}
		if slices.ContainsFunc(st.Processes, func(p ProcessStatus) bool { return p.PID == pid && p.State != "ended" }) {
			return ss[slices.IndexFunc(ss, func(s Session) bool { return s.Name == st.Name })], nil
		}
	}
	return Session{}, fmt.Errorf("process %d: %w that runs it%s: a program is attached to by its id while profscope profile runs it, others by URL", pid, ErrNoSession, silent)
}

// Status asks how it is.
func (s Session) Status() (Status, error) { return s.status(patience) }

func (s Session) status(wait time.Duration) (Status, error) {
	a, err := s.do(request{Op: "status"}, wait)
	if err != nil || a.Status == nil {
		return Status{}, err
	}
	return *a.Status, nil
}

// Start begins recordings where none runs, into the file output, or the
// session's own for "". It returns how many processes began.
func (s Session) Start(output string) (int, error) {
	if output != "" {
		var err error
		if output, err = filepath.Abs(output); err != nil { // the launcher works in another folder
			return 0, fmt.Errorf("output %s: %w", output, err)
		}
	}
	a, err := s.do(request{Op: "start", Output: output}, patience)
	return a.Started, err
}

// Stop ends the recordings and returns when their files are durable; when
// nothing is recording, it returns the last ones.
func (s Session) Stop() ([]Written, error) {
	a, err := s.do(request{Op: "stop"}, 10*time.Minute)
	return a.Files, err
}

// Cancel ends the recordings and drops them.
func (s Session) Cancel() error {
	_, err := s.do(request{Op: "cancel"}, 2*stopWait)
	return err
}

// Snapshot writes what there is so far, and lets the recordings go on.
func (s Session) Snapshot() ([]Written, error) {
	a, err := s.do(request{Op: "snapshot"}, 10*time.Minute)
	return a.Files, err
}

func (s Session) do(q request, wait time.Duration) (answer, error) {
	a, err := ask(s.path, q, wait)
	if err != nil {
		return a, fmt.Errorf("session %s: %w", s.Name, err)
	}
	return a, nil
}

func ask(path string, q request, wait time.Duration) (a answer, err error) {
	c, err := net.DialTimeout("unix", path, patience)
	if err != nil {
		return a, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(wait)); err != nil {
		return a, err
	}
	if err := json.NewEncoder(c).Encode(q); err != nil {
		return a, err
	}
	if err := json.NewDecoder(c).Decode(&a); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it ended before it answered")
		}
		return a, err
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}
