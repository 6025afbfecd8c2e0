package launch

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/gotrace"
)

// recording is what one process recorded between a start and a stop.
type recording struct {
	program string // file name of it
	pid     int
	begin   time.Time
	live    bool   // analyse while it comes in
	output  string // pattern of its file, "" for the run's own

	reading sync.RWMutex // held for reading while the pieces are read

	mu       sync.Mutex
	pieces   []*piece
	profiles []modeProfile
	notes    []string
	complete bool  // the program told the end
	failed   error // it could not be recorded or kept

	ended chan struct{} // closed when nothing more comes
	files []Written     // set before written is closed
	err   error
	wrote chan struct{}
}

// piece is a trace. There is more than one only where the launcher could not
// keep up.
type piece struct {
	s    *spool
	file *gotrace.File
	err  error
	done chan struct{} // closed when file and err are there
}

type modeProfile struct {
	mode  string
	bytes []byte
}

func newRecording(program string, pid int, live bool) *recording {
	return &recording{
		program: program, pid: pid, begin: time.Now(), live: live,
		ended: make(chan struct{}), wrote: make(chan struct{}),
	}
}

// open begins a piece.
func (r *recording) open() error {
	s, err := newSpool()
	if err != nil {
		return err
	}
	p := &piece{s: s, done: make(chan struct{})}
	r.mu.Lock()
	r.pieces = append(r.pieces, p)
	r.mu.Unlock()
	if !r.live {
		close(p.done)
		return nil
	}
	go func() {
		defer close(p.done)
		p.file, p.err = gotrace.ReadFile(s.tail(), gotrace.FileOptions{Name: filepath.Base(r.program)})
		_, _ = io.Copy(io.Discard, s.tail()) // a reader that gave up must not look like the end
	}()
	return nil
}

// current is the piece that grows, nil if there is none.
func (r *recording) current() *piece {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pieces) == 0 {
		return nil
	}
	return r.pieces[len(r.pieces)-1]
}

func (r *recording) note(s string) {
	r.mu.Lock()
	r.notes = append(r.notes, s)
	r.mu.Unlock()
}

func (r *recording) fail(err error) {
	r.mu.Lock()
	if r.failed == nil {
		r.failed = err
	}
	r.mu.Unlock()
}

// close tells that nothing more comes. It is called once.
func (r *recording) close(complete bool) {
	r.mu.Lock()
	r.complete = complete
	pieces := r.pieces
	r.mu.Unlock()
	for _, p := range pieces {
		p.s.end()
	}
	close(r.ended)
}

// over reports whether nothing more comes.
func (r *recording) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// bytes is the length of the trace so far.
func (r *recording) bytes() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	var n int64
	for _, p := range r.pieces {
		n += p.s.length()
	}
	return n
}

// release gives back what has been written: a session keeps its recordings, and
// there may be any number.
func (r *recording) release() {
	r.reading.Lock()
	defer r.reading.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.pieces {
		p.s.f.Close()
	}
	r.pieces, r.profiles = nil, nil
}

var errNothing = errors.New("nothing was recorded")

// inputs returns the pieces, read, with what is to be said about them. Now
// takes what there is so far.
func (r *recording) inputs(now bool) ([]*convert.Input, error) {
	r.mu.Lock()
	pieces, notes, failed, complete := r.pieces, r.notes, r.failed, r.complete
	r.mu.Unlock()
	var ins []*convert.Input
	var first error
	for _, p := range pieces {
		var file *gotrace.File
		var err error
		if now || !r.live {
			file, err = gotrace.ReadFile(p.s.prefix(), gotrace.FileOptions{Name: filepath.Base(r.program)})
		} else {
			<-p.done
			file, err = p.file, p.err
		}
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		ins = append(ins, &convert.Input{Name: filepath.Base(r.program), Kind: convert.KindTrace, Trace: file, Warnings: file.Warnings})
	}
	if len(ins) == 0 {
		return nil, errors.Join(errNothing, failed, first)
	}
	if failed != nil {
		notes = append(notes, "The recording is not complete: "+failed.Error()+".")
	}
	if len(ins) > 1 {
		notes = append(notes, fmt.Sprintf("The recording has %d pieces: in between the launcher could not keep up, and nothing is known.", len(ins)))
	}
	switch {
	case now:
		notes = append(notes, "The program was still running.")
	case !complete:
		notes = append(notes, "The program ended without telling so (it was killed, or crashed): its last moment, up to about a second, may be missing.")
	}
	for _, in := range ins {
		in.Trace.Whole.Notes = append(in.Trace.Whole.Notes, notes...)
	}
	return ins, nil
}
