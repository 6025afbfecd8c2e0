package session

import (
	"time"

	"github.com/profscope/profscope/internal/wire"
)

const (
	// floodWindow and floodBytes say when a trace is too much to keep up
	// with: for floodWindows windows in a row more than this many bytes of
	// events each, 8 MB or more than a million events a second.
	floodWindow  = 10 * time.Millisecond
	floodBytes   = 80 << 10
	floodWindows = 5

	// floodKept is how many windows are known at a time. A thread's events come
	// when it has 64 KiB of them, or at a generation's end.
	floodKept = 64
)

// flood watches how many bytes of events a second a program makes, by the times
// in the trace. When the bytes come tells nothing: what the tracer's goroutine,
// which waited for a core, brings at once, and what all threads had to the end of
// a generation, is a flood only by that. The zero value is ready.
type flood struct {
	window  uint64                // of a length in ticks; 0 until the trace has told that
	last    map[uint64]wire.Batch // of each thread: it ends where the next one begins
	newest  uint64                // window that has bytes, by number
	windows [floodKept]uint64     // bytes, by the number modulo floodKept
}

// maxFloodThreads bounds the threads that are remembered, dead ones too.
const maxFloodThreads = 1 << 12

// clock takes the piece that tells the length of a tick.
func (f *flood) clock(p []byte) {
	if hz, ok := wire.TicksPerSecond(p); ok {
		f.window = max(1, hz*uint64(floodWindow)/uint64(time.Second))
	}
}

// add takes the head of a batch of a thread's events and reports whether the
// trace is too much.
func (f *flood) add(b wire.Batch) bool {
	if f.window == 0 {
		return false
	}
	if f.last == nil || len(f.last) >= maxFloodThreads {
		f.last = make(map[uint64]wire.Batch)
	}
	before, ok := f.last[b.Thread]
	f.last[b.Thread] = b
	return ok && before.Time < b.Time && f.spread(uint64(before.Body), before.Time, b.Time)
}

// spread books n bytes evenly to the time from begin to end, as far back as
// windows are known, and reports whether there are too many bytes.
func (f *flood) spread(n, begin, end uint64) bool {
	last := (end - 1) / f.window
	for f.newest < last {
		if last-f.newest > floodKept {
			f.newest = last - floodKept
		}
		f.newest++
		f.windows[f.newest%floodKept] = 0
	}
	oldest := uint64(0)
	if f.newest >= floodKept {
		oldest = f.newest - floodKept + 1
	}
	for w := max(oldest, begin/f.window); w <= last; w++ {
		inside := min(end, (w+1)*f.window) - max(begin, w*f.window)
		f.windows[w%floodKept] += n * inside / (end - begin)
	}
	over := 0
	for w := oldest; w <= f.newest; w++ {
		if over++; f.windows[w%floodKept] < floodBytes {
			over = 0
		}
		if over == floodWindows {
			return true
		}
	}
	return false
}
