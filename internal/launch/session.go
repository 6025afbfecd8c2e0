package launch

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"
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
	stopped   bool   // after a stop: later processes wait for a start
	next      string // output of the next recordings, "" for the usual
	canceled  map[*recording]bool
	snapshots int
	last      []Written // of the last recording that ended
	lastErr   error
	files     []Written // of all
	errs      []error
	writing   sync.WaitGroup
	expired   func(*process) // the duration of a recording is over
}

var errNoRecording = errors.New("nothing is recording: the program has no recorder, or has ended")

func newSession(o *Options) *session {
	return &session{
		o: o, names: &namer{pattern: o.Output, force: o.Force, given: map[string]bool{}},
		canceled: map[*recording]bool{}, stopped: o.Delay > 0 || o.Range == "signal",
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
				_ = p.tell("start")
			}
		})
	}
}

func (s *session) began(p *process, r *recording) {
	if s.o.Duration <= 0 {
		return
	}
	time.AfterFunc(s.o.Duration, func() {
		select {
		case <-r.ended:
			return
		default:
		}
		_ = p.tell("stop")
		<-r.wrote
		s.expired(p)
	})
}

// over writes a recording that has ended, beside whatever else goes on.
func (s *session) over(_ *process, r *recording) {
	s.writing.Add(1)
	go func() {
		defer s.writing.Done()
		defer close(r.wrote)
		defer r.release()
		s.mu.Lock()
		canceled, pattern := s.canceled[r], s.next
		s.mu.Unlock()
		if canceled {
			return
		}
		var files []Written
		name, err := s.names.next(pattern, r.pid)
		if err == nil {
			files, err = s.o.write(r, name, false)
		}
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
	s.mu.Lock()
	s.stopped, s.next = false, output
	s.mu.Unlock()
	ps := s.alive()
	if len(ps) == 0 {
		return 0, errNoRecording
	}
	n := 0
	for _, p := range ps {
		if p.running() != nil {
			continue
		}
		if err := p.tell("start"); err != nil {
			return n, fmt.Errorf("process %d: %w", p.pid, err)
		}
		n++
	}
	return n, nil
}

// stopWait bounds how long a program may take to end its recording.
const stopWait = 30 * time.Second

// stop ends the recordings and returns when their files are durable. When
// nothing is recording it returns the files of the last.
func (s *session) stop(cancel bool) ([]Written, error) {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	var rs []*recording
	var errs []error
	for _, p := range s.alive() {
		r := p.running()
		if r == nil {
			continue
		}
		if cancel {
			s.mu.Lock()
			s.canceled[r] = true
			s.mu.Unlock()
		}
		if err := p.tell("stop"); err != nil {
			errs = append(errs, fmt.Errorf("process %d: %w", p.pid, err))
		}
		rs = append(rs, r)
	}
	var files []Written
	late := time.NewTimer(stopWait)
	defer late.Stop()
	for _, r := range rs {
		select {
		case <-r.ended:
			<-r.wrote
			files = append(files, r.files...)
			errs = append(errs, r.err)
		case <-late.C:
			return files, fmt.Errorf("process %d has not ended its recording within %v: is it stopped?", r.pid, stopWait)
		}
	}
	if len(rs) == 0 && !cancel {
		s.writing.Wait() // of a stop that came at the same time
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
	pattern := s.next
	s.mu.Unlock()
	if pattern == "" {
		pattern = s.o.Output
	}
	for _, p := range s.alive() {
		r := p.running()
		if r == nil {
			continue
		}
		_ = p.tell("advance")
		time.Sleep(advanceWait)
		name, err := s.names.next(beside(pattern, fmt.Sprintf("snapshot-%d", n)), p.pid)
		if err != nil {
			return files, err
		}
		fs, err := s.o.write(r, name, true)
		files, errs = append(files, fs...), append(errs, err)
	}
	if len(files) == 0 && errors.Join(errs...) == nil {
		return nil, errNoRecording
	}
	return files, errors.Join(errs...)
}

// advanceWait is what a program is given to end a generation of its trace: a
// snapshot shows whole ones.
const advanceWait = 100 * time.Millisecond

// Status is what a session says of itself.
type Status struct {
	Name      string          `json:"name"`
	Program   string          `json:"program"`
	State     string          `json:"state"` // recording, idle
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
	// Since and Bytes are of the recording that runs.
	Since *time.Time `json:"since,omitempty"`
	Bytes int64      `json:"bytes,omitempty"`
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
			one.State, one.Bytes, one.Since = "recording", r.bytes(), &r.begin
			st.State = "recording"
		} else if !p.alive() {
			one.State = "ended"
		}
		st.Processes = append(st.Processes, one)
	}
	return st
}
