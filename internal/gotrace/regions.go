package gotrace

import (
	"bytes"
	"encoding/binary"

	"github.com/profscope/profscope/internal/wire"
)

// Categories of the log events that stand for user regions in what a [Filter]
// gives. Two regions that overlap on a goroutine, or one that ends on
// another, are what a program may do and what no parser of Go traces accepts.
const (
	CategoryRegionBegin = "profscope.region.begin"
	CategoryRegionEnd   = "profscope.region.end"
)

const (
	// Ids of the categories in the string table of every generation. The
	// runtime counts from 1, and no trace has this many strings.
	regionBeginID = 1<<40 + 1
	regionEndID   = 1<<40 + 2
)

// isHeader tells the headers of the formats since Go 1.22, whose batches are
// alike.
func isHeader(h []byte) bool {
	return len(h) == len(wire.Header) && bytes.HasPrefix(h, []byte("go 1.2")) && h[6] >= '2' && bytes.Equal(h[7:], []byte(" trace\x00\x00\x00"))
}

// appendRegion appends the log event that stands for the region event ev. Both
// have time, task, a name and a stack; the log has its category before the
// message.
func appendRegion(out, ev []byte) []byte {
	id := uint64(regionBeginID)
	if ev[0] == wire.TypeRegionEnd {
		id = regionEndID
	}
	i := 1
	for range 2 { // time, task
		_, n := binary.Uvarint(ev[i:])
		i += n
	}
	out = append(out, wire.TypeLog)
	out = append(out, ev[1:i]...)
	out = binary.AppendUvarint(out, id)
	return append(out, ev[i:]...)
}

// name appends a batch with the names of the categories, before the first
// batch of each generation.
func (f *Filter) name(b wire.Batch) {
	if b.Generation == f.named {
		return
	}
	f.named = b.Generation
	var body []byte
	body = append(body, wire.TypeStrings)
	for i, s := range []string{CategoryRegionBegin, CategoryRegionEnd} {
		body = append(body, wire.TypeString)
		body = binary.AppendUvarint(body, regionBeginID+uint64(i))
		body = binary.AppendUvarint(body, uint64(len(s)))
		body = append(body, s...)
	}
	b.Thread = ^uint64(0) // none
	f.head(b, len(body))
	f.out = append(f.out, body...)
}
