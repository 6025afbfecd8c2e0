package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/profscope/profscope/internal/launch/stub"
)

// session is one run of the launcher: its processes and their recordings.
// Operators steer it through the control socket, timers and signals do too;
// each method may be called at any time.
type session struct {
	o     *Options
	names *namer

	mu        sync.Mutex
	name      string
	program   string
	processes []*process
	next      string // output of recordings that begin now, "" for the usual
	canceled  map[*recording]bool
	snapshots int
	last      []Written // of the last recording that ended
	lastErr   error
	files     []Written // of all
	errs      []error
	expired   func(*process) // the duration of a recording is over
	primary   int            // process id of the program that we started, 0 before that

	ended chan struct{}    // closed when primary has ended, or nobody will know
	state *os.ProcessState // of it, set before ended is closed; may be nil

	starting sync.Mutex // one start at a time, and one signal's doing
}

// Why there is nothing to be done: no process is there, or none is recording.
var (
	errNoRecording = errors.New("nothing is recording: the program has no recorder, or has ended")
	errIdle        = errors.New("nothing is recording now: profscope sessions start begins a recording")
)

func newSession(o *Options) *session {
	return &session{
		o: o, names: &namer{pattern: o.Output, force: o.Force, given: map[string]bool{}},
		canceled: map[*recording]bool{}, ended: make(chan struct{}),
	}
}

// join takes a program in.
func (s *session) join(p *process) {
	p.live = s.o.analyses()
	p.began, p.over = s.began, s.over
	s.mu.Lock()
	s.processes = append(s.processes, p)
	if s.program == "" {
		s.program = p.program
	}
	s.mu.Unlock()
	if s.o.Delay > 0 {
		time.AfterFunc(s.o.Delay, func() {
			if p.alive() {
				_ = p.tell(stub.CommandStart)
			}
		})
	}
}

func (s *session) began(p *process, r *recording) {
	s.mu.Lock()
	r.output = s.next
	s.mu.Unlock()
	if s.o.Duration <= 0 {
		return
	}
	time.AfterFunc(s.o.Duration, func() {
		if r.over() {
			return
		}
		_ = p.tell(stub.CommandStop)
		<-r.wrote
		s.expired(p)
	})
}

// over writes a recording that has ended, beside whatever else goes on.
func (s *session) over(_ *process, r *recording) {
	go func() {
		defer close(r.wrote)
		defer r.release()
		s.mu.Lock()
		canceled := s.canceled[r]
		s.mu.Unlock()
		if canceled {
			return
		}
		r.mu.Lock()
		complete := r.complete
		r.mu.Unlock()
		if !complete {
			state := s.stateOf(r.pid)
			r.mu.Lock()
			r.state = state
			r.mu.Unlock()
		}
		files, err := s.o.write(r, s.names, r.output, false)
		r.files, r.err = files, err
		s.mu.Lock()
		defer s.mu.Unlock()
		s.files = append(s.files, files...)
		s.last, s.lastErr = files, err
		if err != nil {
			s.errs = append(s.errs, err)
		}
	}()
}

// stateWait is for the system to tell of the end of a program whose connection has
// ended. One that closed that and goes on is not waited for.
const stateWait = 2 * time.Second

// stateOf returns how the process ended, nil if nobody knows: it is not our child,
// but somebody else's.
func (s *session) stateOf(pid int) *os.ProcessState {
	s.mu.Lock()
	primary := s.primary
	s.mu.Unlock()
	if pid != primary {
		return nil
	}
	select {
	case <-s.ended:
		return s.state
	case <-time.After(stateWait):
		return nil
	}
}

// awaitFiles returns when the files of all recordings that are over by now are
// durable. It asks them and keeps no count: recordings end while it waits, and
// are not waited for.
func (s *session) awaitFiles() {
	s.mu.Lock()
	ps := slices.Clone(s.processes)
	s.mu.Unlock()
	for _, p := range ps {
		for _, r := range p.recordings() {
			if r.over() {
				<-r.wrote
			}
		}
	}
}

// alive returns the processes that have not gone.
func (s *session) alive() []*process {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ps []*process
	for _, p := range s.processes {
		if p.alive() {
			ps = append(ps, p)
		}
	}
	return ps
}

// start begins recordings where none runs. output "" is the run's own.
func (s *session) start(output string) (int, error) {
	if output != "" {
		if err := CheckPlace(output, s.o.Modes...); err != nil {
			return 0, err
		}
	}
	s.starting.Lock()
	defer s.starting.Unlock()
	into := func(output string) {
		s.mu.Lock()
		s.next = output
		s.mu.Unlock()
	}
	into(output)
	defer into("")
	ps := s.alive()
	if len(ps) == 0 {
		return 0, errNoRecording
	}
	n := 0
	for _, p := range ps {
		before := p.recordings()
		if err := p.tell(stub.CommandStart); err != nil {
			return n, err
		}
		for _, r := range p.recordings()[len(before):] {
			n++
			r.mu.Lock()
			err := r.failed
			r.mu.Unlock()
			if err != nil {
				return n, fmt.Errorf("process %d: %w", p.pid, err)
			}
		}
	}
	return n, nil
}

// toggle starts recordings, or stops them.
func (s *session) toggle() {
	s.starting.Lock()
	defer s.starting.Unlock()
	for _, p := range s.alive() {
		if p.running() != nil {
			_ = p.tell(stub.CommandStop)
		} else {
			_ = p.tell(stub.CommandStart)
		}
	}
}

// stopWait bounds how long a program may take to end its recording.
const stopWait = 30 * time.Second

// stop ends the recordings and returns when their files are durable. When
// nothing is recording it returns the files of the last.
func (s *session) stop(cancel bool) ([]Written, error) {
	var rs []*recording
	var errs []error
	for _, p := range s.alive() {
		before := 0 // of p's recordings, those that are over
		for _, r := range p.recordings() {
			switch {
			case r.over():
				before++
			case cancel:
				s.mu.Lock()
				s.canceled[r] = true
				s.mu.Unlock()
			}
		}
		if err := p.tell(stub.CommandStop); err != nil {
			errs = append(errs, err)
			continue
		}
		for _, r := range p.recordings()[before:] {
			if r.over() { // else it began after the stop, by somebody's start
				rs = append(rs, r)
			}
		}
	}
	var files []Written
	for _, r := range rs {
		<-r.wrote
		files, errs = append(files, r.files...), append(errs, r.err)
	}
	if len(rs) == 0 && !cancel {
		s.awaitFiles() // of a stop that came at the same time
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.Clone(s.last), s.lastErr
	}
	return files, errors.Join(errs...)
}

// snapshot writes what the running recordings have so far, beside the output.
func (s *session) snapshot() ([]Written, error) {
	var files []Written
	var errs []error
	s.mu.Lock()
	s.snapshots++
	n := s.snapshots
	s.mu.Unlock()
	ps := s.alive()
	for _, p := range ps {
		r := p.running()
		if r == nil {
			continue
		}
		if err := p.tell(stub.CommandAdvance); err != nil { // a trace is read by whole generations
			errs = append(errs, err)
			continue
		}
		name, err := r.reserve(s.names, s.o.Modes)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		pattern := strings.ReplaceAll(beside(name, fmt.Sprintf("snapshot-%d", n)), "%", "%%")
		fs, err := s.o.write(r, s.names, pattern, true)
		files, errs = append(files, fs...), append(errs, err)
	}
	if len(files) == 0 && errors.Join(errs...) == nil {
		if len(ps) > 0 {
			return nil, errIdle
		}
		return nil, errNoRecording
	}
	return files, errors.Join(errs...)
}

// Status is what a session says of itself.
type Status struct {
	Name      string          `json:"name"`
	Program   string          `json:"program"`
	State     string          `json:"state"` // recording, idle, or Silent, which has its name alone
	Output    string          `json:"output"`
	Launcher  int             `json:"launcher_pid"`
	Processes []ProcessStatus `json:"processes"`
	Files     []Written       `json:"files"`
}

// ProcessStatus is one program of a session.
type ProcessStatus struct {
	PID     int    `json:"pid"`
	Program string `json:"program"`
	State   string `json:"state"` // recording, idle, ended
	// Since, Elapsed, in nanoseconds, and Bytes are of the recording that runs. The
	// wall clock, which Since is of, may have been set meanwhile.
	Since   *time.Time `json:"since,omitempty"`
	Elapsed int64      `json:"elapsed_ns,omitempty"`
	Bytes   int64      `json:"bytes,omitempty"`
}

func (s *session) status() Status {
	s.mu.Lock()
	st := Status{Name: s.name, Program: s.program, State: "idle", Output: s.o.Output, Launcher: pid, Files: slices.Clone(s.files), Processes: []ProcessStatus{}}
	ps := slices.Clone(s.processes)
	s.mu.Unlock()
	if abs, err := filepath.Abs(st.Output); err == nil {
		st.Output = abs
	}
	if st.Files == nil {
		st.Files = []Written{}
	}
	for _, p := range ps {
		one := ProcessStatus{PID: p.pid, Program: p.program, State: "idle"}
		if r := p.running(); r != nil {
			one.State, one.Bytes, one.Since, one.Elapsed = "recording", r.bytes(), &r.begin, int64(time.Since(r.begin))
			st.State = "recording"
		} else if !p.alive() {
			one.State = "ended"
		}
		st.Processes = append(st.Processes, one)
	}
	return st
}
