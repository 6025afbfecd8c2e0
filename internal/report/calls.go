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
	missed  int64
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
		q.mu.Unlock()
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
func (q *callQueue) drain(d time.Duration) (missed int64) {
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
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.missed
}

// Delivered waits until OnCall functions have been given all finished calls,
// at most d, and returns how many were dropped because they were too slow.
func (e *Engine) Delivered(d time.Duration) (missed int64) { return e.calls.drain(d) }
