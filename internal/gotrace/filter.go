package gotrace

import (
	"encoding/binary"
	"fmt"

	"github.com/profscope/profscope/internal/wire"
)

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
	maxGenBytes   = 192 << 20
)

// bound counts a batch, and reports whether its generation can be held.
func (f *Filter) bound(b wire.Batch) bool {
	if b.Type == wire.TypeBatch && b.Generation != f.generation {
		f.generation, f.batches, f.bytes = b.Generation, 0, 0
	}
	f.batches++
	f.bytes += b.Head + b.Body
	if f.batches > maxGenBatches || f.bytes > maxGenBytes {
		f.err = fmt.Errorf("generation %d has %d batches, %d bytes, and no end: no program writes such", f.generation, f.batches, f.bytes)
	}
	return f.err == nil
}

// Feed takes the next bytes of the trace, in pieces of any size, and returns
// what the parser shall see of them. The result is valid until the next call.
func (f *Filter) Feed(p []byte) []byte {
	f.out = f.out[:0]
	if len(f.header) < len(wire.Header) {
		n := min(len(wire.Header)-len(f.header), len(p))
		f.header = append(f.header, p[:n]...)
		f.out = append(f.out, p[:n]...)
		p = p[n:]
		if len(f.header) < len(wire.Header) {
			return f.out
		}
		f.foreign = !isHeader(f.header)
	}
	if len(f.rest) > 0 {
		f.rest = append(f.rest, p...)
		p = f.rest
	}
	for len(p) > 0 && !f.foreign {
		b, ok := wire.ReadBatch(p)
		if !ok {
			f.foreign = true
			break
		}
		if b.Head == 0 || len(p) < b.Head+b.Body {
			break // not all here yet
		}
		if !f.bound(b) {
			return nil
		}
		f.batch(b, p[:b.Head], p[b.Head:b.Head+b.Body])
		p = p[b.Head+b.Body:]
	}
	if f.foreign {
		f.out = append(f.out, p...)
		p = nil
	}
	f.rest = append(f.rest[:0], p...)
	return f.out
}

// batch appends the batch to f.out, with the regions in it as log events. One
// with an event of an unknown type is passed on as it was.
func (f *Filter) batch(b wire.Batch, head, body []byte) {
	events := b.Type == wire.TypeBatch
	if events {
		f.name(b)
	}
	if !events || !f.translate(body) {
		f.out = append(f.out, head...)
		f.out = append(f.out, body...)
		return
	}
	f.put(b, f.kept)
}

// maxBatch is the most that the parser takes for a batch. Regions grow by what
// their category takes, so that what was a batch may have to become two.
const maxBatch = 64 << 10

// put appends the events as batches like b.
func (f *Filter) put(b wire.Batch, events []byte) {
	for len(events) > 0 {
		now, end := b.Time, 0
		for end < len(events) {
			next, ok := wire.EventEnd(events, end)
			if !ok || next > maxBatch {
				break
			}
			dt, _ := binary.Uvarint(events[end+1:])
			now, end = now+dt, next
		}
		if end == 0 {
			return // no event has that length
		}
		f.head(b, end)
		f.out = append(f.out, events[:end]...)
		b.Time, events = now, events[end:]
	}
}

// head appends the head of a batch like b with size bytes of events.
func (f *Filter) head(b wire.Batch, size int) {
	f.out = append(f.out, wire.TypeBatch)
	for _, v := range []uint64{b.Generation, b.Thread, b.Time, uint64(size)} {
		f.out = binary.AppendUvarint(f.out, v)
	}
}

// translate leaves in f.kept what becomes of body, and reports whether that
// differs.
func (f *Filter) translate(body []byte) bool {
	f.kept = f.kept[:0]
	run := 0 // body[run:i] is as it was and not yet copied
	differs := false
	for i := 0; i < len(body); {
		end, ok := wire.EventEnd(body, i)
		if !ok {
			return false
		}
		if body[i] == wire.TypeRegionBegin || body[i] == wire.TypeRegionEnd {
			f.kept = append(f.kept, body[run:i]...)
			f.kept = appendRegion(f.kept, body[i:end])
			run, differs = end, true
		}
		i = end
	}
	f.kept = append(f.kept, body[run:]...)
	return differs
}
