package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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
	naming  sync.Mutex
	name    string // that its file will have, "" if nobody had to know so far; held by naming

	reading sync.RWMutex // held for reading while the pieces are read

	mu       sync.Mutex
	pieces   []*piece
	profiles []modeProfile
	notes    []string
	complete bool          // the program told the end
	cut      bool          // the end of the last piece is lost
	lasted   time.Duration // from the begin of the last piece to the recording's end, not known while it is 0
	failed   error         // it could not be recorded or kept

	state *os.ProcessState // of a program that ended without telling so, nil if that is not known

	ended chan struct{} // closed when nothing more comes
	files []Written     // set before written is closed
	err   error
	wrote chan struct{}
}

// piece is a trace. There is more than one only where the launcher could not
// keep up.
type piece struct {
	s     *spool
	begin time.Time // when we heard of it
	file  *gotrace.File
	err   error
	done  chan struct{} // closed when file and err are there
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

// reserve returns the name that the recording's file will have: its snapshots stand
// beside that, and are of no other one.
func (r *recording) reserve(names *namer, modes []string) (string, error) {
	r.naming.Lock()
	defer r.naming.Unlock()
	var err error
	if r.name == "" {
		r.name, err = names.next(r.output, r.pid, 1, modes)
	}
	return r.name, err
}

// finalName is the reserved name, if there is one and its companions can be had too.
func (r *recording) finalName(names *namer, pattern string, pieces int, has, reserved []string) (string, error) {
	r.naming.Lock()
	defer r.naming.Unlock()
	if r.name != "" && names.again(pattern, r.name, companions(r.name, 1, reserved), companions(r.name, pieces, has)) {
		return r.name, nil
	}
	return names.next(pattern, r.pid, pieces, has)
}

// open begins a piece.
func (r *recording) open() error {
	s, err := newSpool()
	if err != nil {
		return err
	}
	p := &piece{s: s, begin: time.Now(), done: make(chan struct{})}
	r.mu.Lock()
	r.pieces, r.cut = append(r.pieces, p), false
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

// gap ends the piece that grows: the program had no room for more of it.
func (r *recording) gap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.pieces); n > 0 {
		r.pieces[n-1].s.end()
	}
	r.cut = true
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

// close tells that nothing more comes. It is called once. lasted is how long
// the program says that it recorded since the last piece's begin; of one that
// has not said so, our own clock tells the most that it can be.
func (r *recording) close(complete bool, lasted time.Duration) {
	r.mu.Lock()
	r.complete, r.lasted = complete, lasted
	pieces := r.pieces
	if n := len(pieces); n > 0 && !complete {
		r.lasted = time.Since(pieces[n-1].begin)
	}
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

// inputs returns the pieces, read, with what is to be said about them, and of
// that what is lost. Now takes what there is so far.
func (r *recording) inputs(now bool) (ins []*convert.Input, losses []string, err error) {
	r.mu.Lock()
	pieces, notes, failed := r.pieces, slices.Clone(r.notes), r.failed
	r.mu.Unlock()
	var first error
	read := make([]*gotrace.File, len(pieces))
	for i, p := range pieces {
		o := gotrace.FileOptions{Name: filepath.Base(r.program)}
		if now && i == len(pieces)-1 {
			o.Ended = "the program was still running" // a trace that grows ends anywhere, and is not damaged
		}
		var file *gotrace.File
		var err error
		if now || !r.live {
			file, err = gotrace.ReadFile(p.s.prefix(), o)
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
		read[i] = file
		ins = append(ins, &convert.Input{Name: filepath.Base(r.program), Kind: convert.KindTrace, Trace: file, Warnings: file.Warnings})
	}
	if len(ins) == 0 {
		return nil, nil, errors.Join(errNothing, failed, first)
	}
	if failed != nil {
		notes = append(notes, "The recording is not complete: "+failed.Error()+".")
	}
	losses = r.losses(read)
	if len(ins) < len(pieces) {
		losses = append(losses, fmt.Sprintf("Of its pieces %d could not be read (%v).", len(pieces)-len(ins), first))
	}
	notes = append(notes, losses...)
	for _, in := range ins {
		if !now {
			losses = append(losses, in.Warnings...) // which are notes already
		}
	}
	for _, in := range ins {
		l := in.Trace.Whole
		l.Notes = append(append(l.Notes, notes...), unplaced(l)...)
	}
	return ins, losses, nil
}
