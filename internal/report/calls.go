package report

import (
	"fmt"
	"log/slog"
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
	idle    chan struct{} // closed when the goroutine ends
	missed  int64         // calls that there was no room for
	told    bool          // of those, by the log
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
	if !q.running {
		q.running, q.idle = true, make(chan struct{})
		go q.run(q.idle)
	}
}

func (q *callQueue) run(idle chan struct{}) {
	defer close(idle)
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
		for _, c := range batch {
			c.call()
		}
	}
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

// drain waits until all that is queued has been handed over, at most d.
func (q *callQueue) drain(d time.Duration) {
	q.mu.Lock()
	idle, running := q.idle, q.running
	q.mu.Unlock()
	if running {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-idle:
		case <-t.C:
		}
	}
}

// Delivered waits until OnCall functions have been given all finished calls,
// at most d.
func (e *Engine) Delivered(d time.Duration) { e.calls.drain(d) }
