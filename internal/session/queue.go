package session

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/internal/wire"
)

const (
	// queueBudget bounds what waits to be parsed, in bytes.
	queueBudget = 64 << 20
	// generationBytes is how much trace may come before a new generation is
	// forced: so little is left to be parsed when the last scope ends.
	generationBytes = 512 << 10
)

// queue is the writer that the runtime's tracer calls and the source that the
// analysis reads. Writing copies and returns, whatever the reader does: a
// writer that blocks would stall every user of the tracer and let the
// runtime's own buffers grow without bound. Beyond the budget it drops.
type queue struct {
	mu      sync.Mutex
	more    sync.Cond // signalled for the reader
	idle    sync.Cond // signalled for those who wait for the reader
	chunks  [][]byte
	spare   [][]byte // worked through, to be used again
	size    int      // of what waits and of what the reader has
	whole   int      // ends of generations among chunks
	live    bool     // the format has such ends: what comes between them is nobody's yet
	closed  bool
	over    bool // something was dropped
	waiting bool // the reader has worked through all that was whole

	written    atomic.Int64 // bytes, ever
	atEnd      atomic.Bool  // the last of them ended a generation
	generation atomic.Int64 // bytes of events since a generation was last forced
	rate       flood        // the tracer's only: it never writes twice at once
	flooded    atomic.Bool
	wake       chan struct{}
}

// traceBytes counts the bytes of all recordings.
var traceBytes atomic.Int64

func newQueue(wake chan struct{}) *queue {
	q := &queue{wake: wake}
	q.more.L, q.idle.L = &q.mu, &q.mu
	return q
}

// Write takes a piece of the trace. It never fails and never blocks.
func (q *queue) Write(p []byte) (int, error) {
	q.written.Add(int64(len(p)))
	q.atEnd.Store(wire.EndsGeneration(p))
	traceBytes.Add(int64(len(p)))
	if b, ok := wire.OfThread(p); !ok {
		q.rate.clock(p)
	} else {
		flooded := q.rate.add(b)
		if flooded {
			q.flooded.Store(true)
		}
		if q.generation.Add(int64(len(p))) > generationBytes || flooded {
			select {
			case q.wake <- struct{}{}:
			default:
			}
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.over {
		return len(p), nil
	}
	if q.size+len(p) > queueBudget {
		q.over = true
		q.more.Signal()
		return len(p), nil
	}
	var c []byte
	if n := len(q.spare); n > 0 {
		c, q.spare = q.spare[n-1], q.spare[:n-1]
	}
	q.chunks = append(q.chunks, append(c[:0], p...))
	q.size += len(p)
	switch {
	case wire.EndsGeneration(p):
		q.whole++
	case q.live:
		// A generation can be read when it is whole. To wake the reader for a
		// part would have it make events of its own.
		return len(p), nil
	case string(p) == wire.Header:
		q.live = true
	}
	q.waiting = false
	q.more.Signal()
	return len(p), nil
}

// maxSpare is how many pieces are kept to be used again, about what comes in
// a generation that is forced, and minSpare and mostSpare of which size: a ring
// brings whole generations, of megabytes.
const (
	maxSpare  = 8
	minSpare  = 4 << 10
	mostSpare = 128 << 10
)

// Done gives back a piece that Next returned.
func (q *queue) Done(p []byte) {
	q.mu.Lock()
	q.size -= len(p)
	if len(q.spare) < maxSpare && cap(p) >= minSpare && cap(p) <= mostSpare {
		q.spare = append(q.spare, p)
	}
	q.mu.Unlock()
}

// Next gives the oldest piece and waits for one; see report.Source.
func (q *queue) Next() ([]byte, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.ready() {
		if q.closed || q.over {
			return nil, false
		}
		q.waiting = true
		q.idle.Broadcast()
		q.more.Wait()
	}
	c := q.chunks[0]
	q.chunks[0] = nil
	if q.chunks = q.chunks[1:]; len(q.chunks) == 0 {
		q.chunks = nil
	}
	if wire.EndsGeneration(c) {
		q.whole--
	}
	return c, true
}

// ready reports whether the reader may have the oldest piece.
func (q *queue) ready() bool {
	return q.whole > 0 || len(q.chunks) > 0 && (!q.live || q.closed || q.over || string(q.chunks[0]) == wire.Header)
}

// close ends the stream; what is queued is still delivered.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.more.Signal()
	q.idle.Broadcast()
	q.mu.Unlock()
}

// ended reports whether nothing that is written is read any more.
func (q *queue) ended() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed || q.over
}

// overrun reports whether the budget was exceeded.
func (q *queue) overrun() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.over
}

// caughtUp waits until the reader has worked through everything that was
// written before, or until no more is taken, at most d. It reports whether it
// has; see ended.
func (q *queue) caughtUp(d time.Duration) bool {
	until := nanotime() + int64(d) // before the timer, or it could go off too early, and only once
	stop := time.AfterFunc(d, func() {
		q.mu.Lock()
		q.idle.Broadcast()
		q.mu.Unlock()
	})
	defer stop.Stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && !q.over && !(q.waiting && !q.ready()) {
		if nanotime() >= until {
			return false
		}
		q.idle.Wait()
	}
	return true
}
