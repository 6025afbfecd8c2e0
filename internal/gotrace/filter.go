package gotrace

import (
	"encoding/binary"
	"fmt"
)

// The wire format of the runtime's trace, Go 1.26 (internal/trace/tracev2 in
// the Go tree): a 16-byte header, then batches. A batch is one type byte, the
// generation, the thread, the base time and the length as varints, then that
// many bytes of events; an event is one type byte and varints, the first of
// which is the time since the event before it.
const (
	wireHeader       = 16
	wireEventBatch   = 1
	wireRegionBegin  = 42
	wireRegionEnd    = 43
	wireExperimental = 49
	wireEndOfGen     = 52
)

// wireArgs is the number of varints of each timed event, by type; 0 for types
// that do not stand in a batch of events.
var wireArgs = [...]uint8{
	9: 3, 10: 3, 11: 1, 12: 4, 13: 3, 14: 4, 15: 2, 16: 3, 17: 1, 18: 1, 19: 3,
	20: 3, 21: 4, 22: 3, 23: 1, 24: 1, 25: 4, 26: 3, 27: 1, 28: 2, 29: 3,
	30: 2, 31: 2, 32: 2, 33: 3, 34: 2, 35: 2, 36: 1, 37: 2, 38: 2, 39: 2,
	40: 5, 41: 3, wireRegionBegin: 4, wireRegionEnd: 4, 44: 5, 45: 3, 46: 3, 47: 4, 48: 5,
}

// Filter turns the user regions of a trace from a file, of any Go version
// since 1.22, into log events of the categories [CategoryRegionBegin] and
// [CategoryRegionEnd] with the region's name as message: one pair of regions
// that overlaps another, or ends on another goroutine, would make the whole
// trace unreadable for its parser.
//
// What it does not understand it passes on unchanged. The zero Filter is
// ready; it is fed one trace, and not safe for concurrent use.
type Filter struct {
	header  []byte
	foreign bool // no version known here: pass on
	rest    []byte
	out     []byte
	kept    []byte
	named   uint64 // the generation that has the names of the categories

	// Of the generation at hand, which the parser holds whole.
	generation     uint64
	batches, bytes int
	err            error
}

// Bounds of a generation. The runtime's lasts about a second, in which the
// busiest program writes 50 MB, in batches that are full but for one a thread.
const (
	maxGenBatches = 1 << 17
	maxGenBytes   = 224 << 20
)

// bound counts a batch, and reports whether its generation can be held.
func (f *Filter) bound(head, body []byte) bool {
	if head[0] == wireEventBatch {
		if gen, _ := binary.Uvarint(head[1:]); gen != f.generation {
			f.generation, f.batches, f.bytes = gen, 0, 0
		}
	}
	f.batches++
	f.bytes += len(head) + len(body)
	if f.batches > maxGenBatches || f.bytes > maxGenBytes {
		f.err = fmt.Errorf("generation %d has %d batches, %d bytes, and no end: no program writes such", f.generation, f.batches, f.bytes)
	}
	return f.err == nil
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
		f.foreign = !isHeader(f.header)
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
		if !f.bound(p[:head], p[head:head+size]) {
			return nil
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

// batch appends the batch to f.out, with the regions in it as log events. One
// with an event of an unknown type is passed on as it was.
func (f *Filter) batch(head, body []byte) {
	if head[0] == wireEventBatch {
		f.name(head)
	}
	if head[0] != wireEventBatch || !f.translate(body) {
		f.out = append(f.out, head...)
		f.out = append(f.out, body...)
		return
	}
	gen, n := binary.Uvarint(head[1:])
	thread, m := binary.Uvarint(head[1+n:])
	time, _ := binary.Uvarint(head[1+n+m:])
	f.put(gen, thread, time, f.kept)
}

// maxBatch is the most that the parser takes for a batch. Regions grow by what
// their category takes, so that what was a batch may have to become two.
const maxBatch = 64 << 10

// put appends the events as batches of that thread, from that time on.
func (f *Filter) put(gen, thread, time uint64, events []byte) {
	for len(events) > 0 {
		now, end := time, 0
		for end < len(events) {
			next, ok := eventEnd(events, end)
			if !ok || next > maxBatch {
				break
			}
			dt, _ := binary.Uvarint(events[end+1:])
			now, end = now+dt, next
		}
		if end == 0 {
			return // no event has that length
		}
		f.out = append(f.out, wireEventBatch)
		for _, v := range []uint64{gen, thread, time, uint64(end)} {
			f.out = binary.AppendUvarint(f.out, v)
		}
		f.out = append(f.out, events[:end]...)
		time, events = now, events[end:]
	}
}

// translate leaves in f.kept what becomes of body, and reports whether that
// differs.
func (f *Filter) translate(body []byte) bool {
	f.kept = f.kept[:0]
	run := 0 // body[run:i] is as it was and not yet copied
	differs := false
	for i := 0; i < len(body); {
		end, ok := eventEnd(body, i)
		if !ok {
			return false
		}
		if body[i] == wireRegionBegin || body[i] == wireRegionEnd {
			f.kept = append(f.kept, body[run:i]...)
			f.kept = appendRegion(f.kept, body[i:end])
			run, differs = end, true
		}
		i = end
	}
	f.kept = append(f.kept, body[run:]...)
	return differs
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
