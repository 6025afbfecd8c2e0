package wire

import (
	"cmp"
	"errors"
	"fmt"
)

// ErrFormat is the error for a trace that begins with another header than
// [Header].
var ErrFormat = errors.New("the trace is not of the format that is read here")

// ErrCut is the error for a trace that ends inside a generation.
var ErrCut = errors.New("the trace ends inside a generation")

// Reader reads one trace and gives it to a [Handler]. Feed it with the trace,
// and call Close at its end. After an error nothing more is read; the
// generations before it have been given. A Reader is not safe for concurrent
// use.
type Reader struct {
	h       Handler
	details DetailHandler // the same, if it is one
	// Release, if set, is given each piece that was fed once it is not needed
	// any more.
	Release func([]byte)
	// Settle, if set, is called when a generation has been given, before what its
	// events refer to is dropped: for a handler that works on another goroutine.
	Settle func()

	head   []byte   // of the trace, until it is whole
	rest   []byte   // a batch that has begun
	pieces [][]byte // what the generation at hand refers to

	// The generation at hand.
	gen     uint64
	tables  Tables
	samples []sample
	active  []*thread // threads with events, in the order of their first batch
	freq    uint64    // ticks a second
	snap    snapshot

	// What goes on from one generation to the next.
	threads map[uint64]*thread
	gs      ByID[goroutine] // those that did anything
	spare   []*goroutine
	clock   clock
	failed  error

	tr  Transition // what the handler is shown, made once
	lg  Log
	sm  Sample
	as  Assist
	dt  Detail
	num Counts
}

// Counts tells how much has been read.
type Counts struct {
	Generations, Events int64
}

// goroutine is what must be known of a goroutine to bring its events in order.
type goroutine struct {
	id     int64
	gen    uint64 // in which seq counts
	seq    uint64 // of the last event that other threads may write of it
	status State
}

// NewReader returns a reader for a trace from its header on.
func NewReader(h Handler) *Reader {
	details, _ := h.(DetailHandler)
	return &Reader{h: h, details: details, threads: make(map[uint64]*thread)}
}

// Counts returns how much has been read.
func (r *Reader) Counts() Counts { return r.num }

// Feed takes the next bytes of the trace, in pieces of any size. It keeps p
// until the generation that p belongs to is whole and has been given.
func (r *Reader) Feed(p []byte) error {
	if r.failed == nil {
		r.failed = r.feed(p)
	}
	return r.failed
}

func (r *Reader) feed(p []byte) error {
	r.pieces = append(r.pieces, p)
	if n := len(Header) - len(r.head); n > 0 {
		n = min(n, len(p))
		r.head = append(r.head, p[:n]...)
		p = p[n:]
		if string(r.head) != Header[:len(r.head)] {
			return ErrFormat
		}
	}
	if len(r.rest) > 0 {
		p = append(r.rest, p...)
		r.rest = nil
	}
	for len(p) > 0 {
		h, ok := ReadBatch(p)
		if !ok {
			return wrong(r.gen, fmt.Errorf("a batch of unknown type %d", p[0]))
		}
		if h.Head == 0 || len(p) < h.Head+h.Body {
			r.rest = append([]byte(nil), p...)
			return nil
		}
		gen := cmp.Or(r.gen, h.Generation) // before the batch, which may end it
		if err := r.batch(h, p[h.Head:h.Head+h.Body]); err != nil {
			return wrong(gen, err)
		}
		p = p[h.Head+h.Body:]
	}
	return nil
}

// wrong is an error with the generation that it was found in; 0 is none.
func wrong(gen uint64, err error) error {
	if gen == 0 {
		return fmt.Errorf("between generations: %w", err)
	}
	return fmt.Errorf("generation %d: %w", gen, err)
}

// Close ends the trace.
func (r *Reader) Close() error {
	if r.failed == nil {
		if r.gen != 0 || len(r.rest) > 0 || len(r.head) < len(Header) {
			r.failed = ErrCut
		}
		r.h.Generation(nil)
	}
	return r.failed
}

// batch takes one batch. Batches of events wait until the generation is whole.
func (r *Reader) batch(h Batch, body []byte) error {
	switch {
	case h.Type == evEndOfGeneration:
		return r.generation()
	case h.Type == evExperimentalBatch || len(body) == 0:
		return nil
	case h.Generation == 0 || r.gen != 0 && h.Generation != r.gen:
		return fmt.Errorf("a batch of generation %d is in it", h.Generation)
	}
	r.gen = h.Generation
	switch body[0] {
	case evStrings:
		return r.tables.addStrings(body[1:])
	case evStacks:
		return r.tables.addStacks(body[1:])
	case evCPUSamples:
		return r.addSamples(body[1:])
	case evSync:
		return r.addSync(h.Time, body[1:])
	}
	t := r.thread(h.Thread)
	if len(t.batches) == 0 {
		r.active = append(r.active, t)
	}
	t.batches = append(t.batches, events{h.Time, body})
	return nil
}

// generation gives the generation at hand, which is whole, and forgets it.
func (r *Reader) generation() error {
	if r.gen == 0 {
		return nil // an empty one, as at a trace's end
	}
	if r.freq == 0 {
		return errors.New("it does not tell the frequency of its clock")
	}
	if r.clock.set(r.freq, r.snap) && r.details != nil {
		r.details.Snapshot(r.clock.nanos(r.snap.ticks), r.snap.unix)
	}
	r.sortSamples()
	r.h.Generation(&r.tables)
	err := r.order()
	if r.Settle != nil {
		r.Settle()
	}
	r.num.Generations++
	for _, t := range r.active {
		clear(t.batches)
		t.batches, t.next, t.data = t.batches[:0], 0, nil
	}
	clear(r.active)
	r.active, r.samples = r.active[:0], r.samples[:0]
	r.tables.reset()
	r.gen, r.freq = 0, 0
	for i, p := range r.pieces {
		if r.Release != nil {
			r.Release(p)
		}
		r.pieces[i] = nil
	}
	r.pieces = r.pieces[:0]
	return err
}

func (r *Reader) thread(id uint64) *thread {
	t := r.threads[id]
	if t == nil {
		t = &thread{id: id}
		r.threads[id] = t
	}
	return t
}
