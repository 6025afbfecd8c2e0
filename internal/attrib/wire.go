package attrib

import (
	"bytes"
	"encoding/binary"
)

// The wire format of the runtime's trace, Go 1.26 (internal/trace/tracev2 in
// the Go tree): a 16-byte header, then batches. A batch is one type byte, the
// generation, the thread, the base time and the length as varints, then that
// many bytes of events; an event is one type byte and varints, the first of
// which is the time since the event before it.
const (
	wireHeader       = 16
	wireEventBatch   = 1
	wireGoStatus     = 25
	wireSweepActive  = 31
	wireSweepBegin   = 32
	wireSweepEnd     = 33
	wireHeapAlloc    = 37
	wireHeapGoal     = 38
	wireRegionBegin  = 42
	wireRegionEnd    = 43
	wireStatusStack  = 48
	wireExperimental = 49
	wireEndOfGen     = 52
	wireStatusWait   = 4 // GoWaiting in the status argument of a GoStatus
)

// wireArgs is the number of varints of each timed event, by type; 0 for types
// that do not stand in a batch of events.
var wireArgs = [...]uint8{
	9: 3, 10: 3, 11: 1, 12: 4, 13: 3, 14: 4, 15: 2, 16: 3, 17: 1, 18: 1, 19: 3,
	20: 3, 21: 4, 22: 3, 23: 1, 24: 1, wireGoStatus: 4, 26: 3, 27: 1, 28: 2, 29: 3,
	30: 2, wireSweepActive: 2, wireSweepBegin: 2, wireSweepEnd: 3, 34: 2, 35: 2, 36: 1, wireHeapAlloc: 2, wireHeapGoal: 2, 39: 2,
	40: 5, 41: 3, wireRegionBegin: 4, wireRegionEnd: 4, 44: 5, 45: 3, 46: 3, 47: 4, wireStatusStack: 5,
}

// headerOurs is what a trace that this filter understands begins with.
var headerOurs = []byte("go 1.26 trace\x00\x00\x00")

// Filter takes out of a trace, before it is parsed, what only does harm:
//
//   - user regions: one pair that overlaps another, or ends on another
//     goroutine, makes the whole trace unreadable, and a scope needs none;
//   - the statuses of goroutines that did nothing in a generation: with
//     100,000 parked goroutines they are nearly all of it, and a goroutine
//     that wakes up has its status written again before that. The first
//     generation keeps them: the parser wants to know every goroutine from it;
//   - the heap's size and its sweeping, a quarter of the events of a server:
//     no goroutine's state follows from them.
//
// What it does not understand it passes on unchanged. The zero Filter is
// ready; it is fed one trace, and not safe for concurrent use.
type Filter struct {
	// Generations counts the whole generations that went through.
	Generations int
	// Heap keeps the heap's size and its sweeping, which a timeline shows.
	Heap bool
	// File is for a trace from a file, of any Go version since 1.22, of which
	// everything is wanted: nothing is dropped, and regions become log events
	// of the categories [CategoryRegionBegin] and [CategoryRegionEnd] with the
	// region's name as message, which no parser expects to be nested.
	File bool

	header  []byte
	foreign bool // not the version known here: pass on
	idle    bool // the batch at hand belongs to no thread: statuses of idle goroutines
	rest    []byte
	out     []byte
	kept    []byte
	named   uint64 // the generation that has the names of the categories
}

// Feed takes the next bytes of the trace, in pieces of any size, and returns
// what the parser shall see of them. The result is valid until the next call.
func (f *Filter) Feed(p []byte) []byte {
	f.out = f.out[:0]
	if len(f.header) < wireHeader {
		n := min(wireHeader-len(f.header), len(p))
		f.header = append(f.header, p[:n]...)
		f.out = append(f.out, p[:n]...)
		p = p[n:]
		if len(f.header) < wireHeader {
			return f.out
		}
		f.foreign = !bytes.Equal(f.header, headerOurs) && !(f.File && isHeader(f.header))
	}
	if len(f.rest) > 0 {
		f.rest = append(f.rest, p...)
		p = f.rest
	}
	for len(p) > 0 && !f.foreign {
		head, size, ok := batchHeader(p)
		if !ok {
			f.foreign = true
			break
		}
		if head == 0 || len(p) < head+size {
			break // not all here yet
		}
		if p[0] == wireEndOfGen {
			f.Generations++
		}
		f.batch(p[:head], p[head:head+size])
		p = p[head+size:]
	}
	if f.foreign {
		f.out = append(f.out, p...)
		p = nil
	}
	f.rest = append(f.rest[:0], p...)
	return f.out
}

// batchHeader returns the length of the header and of the body of the batch
// that p begins with; a header length of 0 if p is too short to tell, ok false
// if it is no batch.
func batchHeader(p []byte) (head, size int, ok bool) {
	i := 1
	switch p[0] {
	case wireEndOfGen:
		return 1, 0, true
	case wireEventBatch:
	case wireExperimental:
		i = 2
	default:
		return 0, 0, false
	}
	var v uint64
	for range 4 {
		if i >= len(p) {
			return 0, 0, true
		}
		n := 0
		v, n = binary.Uvarint(p[i:])
		if n < 0 || v > 1<<62 && n == 0 {
			return 0, 0, false
		}
		if n == 0 {
			return 0, 0, true
		}
		i += n
	}
	if v > 1<<20 {
		return 0, 0, false
	}
	return i, int(v), true
}

// batch appends the batch to f.out, without what is dropped.
//
//  1. Walk the events; copy what is kept, in runs as long as nothing is dropped.
//  2. A dropped event's time step goes to the next one that is kept.
//  3. If nothing was dropped, or if an event is of an unknown type, pass the
//     batch on as it was; else the header gets the new length.
func (f *Filter) batch(head, body []byte) {
	if f.File && head[0] == wireEventBatch {
		f.name(head)
	}
	f.idle = f.Generations > 0 && threadOf(head) == noThread
	if head[0] != wireEventBatch || !f.thin(body) {
		f.out = append(f.out, head...)
		f.out = append(f.out, body...)
		return
	}
	i := 1
	for range 3 {
		_, n := binary.Uvarint(head[i:])
		i += n
	}
	f.out = append(f.out, head[:i]...)
	f.out = binary.AppendUvarint(f.out, uint64(len(f.kept)))
	f.out = append(f.out, f.kept...)
}

// thin leaves in f.kept what is kept of body, and reports whether that differs.
func (f *Filter) thin(body []byte) bool {
	f.kept = f.kept[:0]
	var carry uint64 // time steps of the events dropped last
	run := 0         // body[run:i] is kept and not yet copied
	dropped := false
	for i := 0; i < len(body); {
		end, ok := eventEnd(body, i)
		if !ok {
			return false
		}
		switch {
		case f.File:
			if body[i] == wireRegionBegin || body[i] == wireRegionEnd {
				f.kept = append(f.kept, body[run:i]...)
				f.kept = appendRegion(f.kept, body[i:end])
				run, dropped = end, true
			}
		case f.drops(body[i:end]):
			f.kept = append(f.kept, body[run:i]...)
			run, dropped = end, true
			dt, _ := binary.Uvarint(body[i+1:])
			carry += dt
		case carry != 0:
			dt, n := binary.Uvarint(body[i+1:])
			f.kept = append(f.kept, body[i])
			f.kept = binary.AppendUvarint(f.kept, dt+carry)
			run, carry = i+1+n, 0
		}
		i = end
	}
	f.kept = append(f.kept, body[run:]...)
	return dropped
}

// drops reports whether the event is to be dropped. A status that stands in
// a thread's own batch is one that an event after it needs.
func (f *Filter) drops(ev []byte) bool {
	switch ev[0] {
	case wireRegionBegin, wireRegionEnd:
		return true
	case wireSweepActive, wireSweepBegin, wireSweepEnd, wireHeapAlloc, wireHeapGoal:
		return !f.Heap
	case wireGoStatus, wireStatusStack:
		if !f.idle {
			return false
		}
		i := 1
		for range 3 { // time, goroutine, thread
			_, n := binary.Uvarint(ev[i:])
			i += n
		}
		status, _ := binary.Uvarint(ev[i:])
		return status == wireStatusWait
	}
	return false
}

// noThread is the thread of batches that the tracer writes for nobody.
const noThread = ^uint64(0)

// OfThread reports whether p, a piece as the tracer writes them, is a batch of
// some thread's events: not statuses of idle goroutines, strings or stacks,
// which come all at once at a generation's end.
func OfThread(p []byte) bool {
	head, _, ok := batchHeader(p)
	return ok && head > 1 && threadOf(p) != noThread
}

func threadOf(head []byte) uint64 {
	if head[0] != wireEventBatch {
		return 0
	}
	_, n := binary.Uvarint(head[1:])
	m, _ := binary.Uvarint(head[1+n:])
	return m
}

// eventEnd returns where the event at body[i] ends.
func eventEnd(body []byte, i int) (int, bool) {
	typ := int(body[i])
	if typ >= len(wireArgs) || wireArgs[typ] == 0 {
		return 0, false
	}
	i++
	for left := wireArgs[typ]; left > 0; i++ {
		if i >= len(body) {
			return 0, false
		}
		if body[i] < 0x80 {
			left--
		}
	}
	return i, true
}
