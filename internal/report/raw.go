package report

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/wire"
)

// errNoTrace is why a trace or a timeline was not written.
var errNoTrace = errors.New("no execution trace could be had: somebody else holds the tracer, or its version is too new")

// errPart is why a file does not hold all of its scopes.
var errPart = errors.New("it holds only the last part of the scope that was recorded in one piece: before, the trace came faster than it could be analysed, or somebody else ended it")

// raw is the outputs of a destination that are made from the recording's bytes
// as they come: .trace, which is a copy of them, and timelines.
//
// A trace is whole only from the begin of one generation to the end of another.
// So a file begins with the first generation that begins after a scope has
// asked for it (who opens the scope forces one), and ends with the first in which
// all scopes of the destination that it has have ended. Where scopes follow each
// other closely, who opens one forces a generation too, once a second. Unlike all
// other formats, what comes later replaces it: traces cannot be added up.
//
// What a recording holds from before the scope, or of one that another
// destination's scopes keep up for days, is never in it.
type raw struct {
	outputs []output   // none for most destinations
	files   []*rawFile // being written; of the goroutine in Consume, then of Ended
	count   int        // of how many there have been
	before  int64      // calls of the destination that had ended by then

	mu     sync.Mutex
	state  rawState
	begun  int64         // scopes opened, ever
	since  time.Time     // when the files were begun
	broken bool          // a recording ended before the scopes that are open
	err    error         // of the last file, until Write returns it
	ending chan struct{} // closed when the files that were ended last are on the disk; nil if there were none
}

type rawState uint8

const (
	rawIdle   rawState = iota
	rawWanted          // the file begins with the next generation
	rawStreaming
)

// Raw reports whether d has a trace or a timeline among its outputs: then Opening must be called
// before a scope is opened.
func (d *Destination) Raw() bool { return len(d.raw.outputs) > 0 }

// Opening notes that a scope of d is about to be opened. It reports whether a
// generation must begin before, if a recording runs already.
func (d *Destination) Opening() (boundary bool) {
	d.raw.mu.Lock()
	defer d.raw.mu.Unlock()
	alone := d.raw.begun == d.ends.Load()
	d.raw.begun++
	switch d.raw.state {
	case rawIdle:
		d.raw.state = rawWanted
	case rawStreaming: // those before can end their file now, before this one begins
		return alone && time.Since(d.raw.since) >= leastRaw
	}
	return true
}

// BrokenOff notes that a recording has ended before a scope of d that it had.
func (d *Destination) BrokenOff() {
	if !d.Raw() {
		return
	}
	d.raw.mu.Lock()
	defer d.raw.mu.Unlock()
	d.raw.broken = true
	if d.raw.state == rawIdle {
		d.raw.state = rawWanted
	}
}

// enter changes the state if it is from, and reports whether it was.
func (r *raw) enter(from, to rawState) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state != from {
		return false
	}
	r.state = to
	return true
}

// open begins the files with the header of a trace. ended is how many calls of the
// destination have ended.
func (r *raw) open(header []byte, ended int64) {
	r.mu.Lock()
	r.since = time.Now()
	r.mu.Unlock()
	r.count, r.before = r.count+1, ended
	for _, o := range r.outputs {
		f := openRaw(o)
		f.write(header)
		r.files = append(r.files, f)
	}
}

// commit ends the files. Bringing them to the disk, and what is left to be
// drawn, takes a while, and the recording goes on meanwhile: see settle. ended is
// called then, on another goroutine, and told whether something went wrong.
func (r *raw) commit(ended func(failed bool)) {
	files, done := r.files, make(chan struct{})
	r.files = nil
	r.mu.Lock()
	before := r.ending
	r.ending = done
	r.mu.Unlock()
	go func() {
		defer close(done)
		if before != nil {
			<-before // of the same names: the newest comes last
		}
		var errs []error
		for _, f := range files {
			if err := f.close(); err != nil {
				errs = append(errs, fmt.Errorf("%w (a recording is written while it is made: this one is lost)", err))
			}
		}
		if len(errs) > 0 {
			r.mu.Lock()
			r.err = errors.Join(errs...)
			r.mu.Unlock()
		}
		ended(len(errs) > 0)
	}()
}

// settle waits until the files that were ended are on the disk.
func (r *raw) settle() {
	r.mu.Lock()
	ending := r.ending
	r.mu.Unlock()
	if ending != nil {
		<-ending
	}
}

// rawFailure returns the error that no Write has returned yet. over says that no
// scope was open and no recording was to come: a file that is still wanted then
// never was, or is what an earlier recording had of its scopes; unless a scope has
// begun meanwhile.
func (d *Destination) rawFailure(over bool) error {
	r := &d.raw
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.err
	r.err = nil
	if !over || r.begun != d.ends.Load() {
		return err
	}
	cause := errNoTrace
	if r.broken {
		cause = errPart
	}
	if err == nil && (r.broken || r.state == rawWanted) {
		err = fmt.Errorf("profscope: write %q: %w", r.outputs[0].name, cause)
	}
	r.broken = false
	if r.state == rawWanted {
		r.state = rawIdle
	}
	return err
}

func (r *raw) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state == rawIdle
}

// leastRaw is how long a file lasts at least, but for the first: scopes that
// open and close all the time shall not write one a generation.
const leastRaw = time.Second

// rawOver tells, between two generations, whether d's file has a scope and all of
// those that it has whole, and takes it out of the stream if so. A scope that has
// begun since, and the trace has not shown yet, has the next file. The caller
// holds mu.
func (e *Engine) rawOver(d *Destination) bool {
	r := &d.raw
	r.mu.Lock()
	defer r.mu.Unlock()
	ended := d.seen() + d.lost
	toCome := r.begun > ended
	switch {
	case r.state != rawStreaming, ended == r.before && toCome, r.count > 1 && time.Since(r.since) < leastRaw, e.fold.Opened(d.ledger):
		return false
	}
	r.state = rawIdle
	if toCome {
		r.state = rawWanted
	}
	return true
}

// Source is a recording's stream of bytes; see attrib.Source.
type Source = attrib.Source

// feed is the source that the analysis reads: it gives the engine's lock back
// while it waits, and copies the raw trace for those who want it.
type feed struct {
	e        *Engine
	src      Source
	header   []byte
	boundary bool // the next piece begins a generation
}

func (f *feed) Next() ([]byte, bool) {
	var over []*Destination
	if f.boundary { // all before it has been worked through
		for _, d := range f.e.raws() {
			if f.e.rawOver(d) {
				over = append(over, d)
			}
		}
	}
	f.e.mu.Unlock()
	for _, d := range over {
		f.e.commitRaw(d)
	}
	p, ok := f.src.Next()
	f.e.mu.Lock()
	if ok {
		f.copy(p)
	}
	return p, ok
}

// copy gives a piece to the files that are being written.
func (f *feed) copy(p []byte) {
	if f.header == nil {
		f.header, f.boundary = bytes.Clone(p), true
		if string(p) == wire.Header {
			return
		}
		f.header = []byte{} // of another format, in which only the begin is known
	}
	for _, d := range f.e.raws() {
		if f.boundary && d.raw.enter(rawWanted, rawStreaming) {
			d.raw.open(f.header, d.seen()+d.lost)
		}
		for _, file := range d.raw.files {
			file.write(p)
		}
	}
	ends := wire.EndsGeneration(p)
	f.e.tapped(f.header, p, f.boundary, ends)
	f.boundary = ends
}

func (f *feed) Done(p []byte) { f.src.Done(p) }

// endRaws ends the files of a recording that is over. Scopes that are still
// open want one of the next recording.
func (e *Engine) endRaws() {
	for _, d := range e.raws() {
		if !d.raw.enter(rawStreaming, rawIdle) {
			continue
		}
		e.commitRaw(d)
		d.raw.mu.Lock()
		if d.raw.state == rawIdle && d.raw.begun > d.ends.Load() {
			d.raw.state = rawWanted
		}
		d.raw.mu.Unlock()
	}
}

// commitRaw ends d's files. The caller does not hold mu.
func (e *Engine) commitRaw(d *Destination) {
	d.raw.commit(func(failed bool) {
		if !failed {
			d.unusable.Store(nil)
			return
		}
		e.mu.Lock()
		d.booked++ // the next Write tells it
		e.mu.Unlock()
	})
}
