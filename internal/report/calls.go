package report

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// maxCalls bounds the finished calls that wait for a slow OnCall function.
const maxCalls = 1 << 16

// callQueue hands finished calls to OnCall functions, in order, on one
// goroutine that lives as long as there are any. The zero value is ready.
type callQueue struct {
	mu      sync.Mutex
	waiting []finished
	running bool
	queued  int64 // calls that were ever queued
	handed  int64 // those of them whose function has returned
	drains  []drain
	missed  int64 // calls that there was no room for
	told    bool  // of those, by the log
}

// drain waits until so many calls have been handed over.
type drain struct {
	calls int64
	done  chan struct{}
}

type finished struct {
	fn func(Stats)
	s  Stats
}

func (q *callQueue) put(fn func(Stats), s Stats) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= maxCalls {
		q.missed++
		return
	}
	q.waiting = append(q.waiting, finished{fn, s})
	q.queued++
	if !q.running {
		q.running = true
		go q.run()
	}
}

func (q *callQueue) run() {
	for {
		q.mu.Lock()
		batch := q.waiting
		q.waiting = nil
		if len(batch) == 0 {
			q.running = false
			q.mu.Unlock()
			return
		}
		missed := q.missed
		tell := missed > 0 && !q.told
		q.told = q.told || tell
		q.mu.Unlock()
		if tell { // here, where no lock is held that the program's log could want
			slog.Warn("profscope: a function given to OnCall is slower than the calls come, and is not given all of them; this is told once", "missed", missed)
		}
		q.hand(batch)
	}
}

// hand calls the functions, the next one on a goroutine of its own if one ends
// this one.
func (q *callQueue) hand(batch []finished) {
	left, all := batch, false
	defer func() {
		if !all { // it was runtime.Goexit, of a test's FailNow maybe
			q.mu.Lock()
			q.waiting = append(left, q.waiting...)
			q.mu.Unlock()
			go q.run()
		}
	}()
	for len(left) > 0 {
		c := left[0]
		left = left[1:]
		q.handOver(c)
	}
	all = true
}

func (q *callQueue) handOver(c finished) {
	defer q.handedOver()
	c.call()
}

func (q *callQueue) handedOver() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.handed++
	q.drains = slices.DeleteFunc(q.drains, func(d drain) bool {
		if d.calls > q.handed {
			return false
		}
		close(d.done)
		return true
	})
}

// call runs the function. Its panic is logged: here, on a goroutine of ours,
// the program could not recover it.
func (c *finished) call() {
	defer func() {
		if p := recover(); p != nil {
			slog.Error(fmt.Sprintf("profscope: the function given to OnCall panicked: %v", p))
		}
	}()
	c.fn(c.s)
}

// drain waits until all that is queued by now has been handed over, at most d.
func (q *callQueue) drain(d time.Duration) {
	q.mu.Lock()
	mine := drain{q.queued, make(chan struct{})}
	if mine.calls <= q.handed {
		q.mu.Unlock()
		return
	}
	q.drains = append(q.drains, mine)
	q.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-mine.done:
	case <-t.C:
		q.mu.Lock()
		defer q.mu.Unlock()
		q.drains = slices.DeleteFunc(q.drains, func(d drain) bool { return d == mine })
	}
}

// Delivered waits until OnCall functions have been given all calls that are
// finished by now, at most d.
func (e *Engine) Delivered(d time.Duration) { e.calls.drain(d) }
