package report

import (
	"bytes"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestCallsMissed: calls that an OnCall function was too slow for are told, once.
func TestCallsMissed(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)

	var q callQueue
	given := 0
	for range 2 {
		hold := make(chan struct{})
		busy := make(chan struct{})
		q.put(func(Stats) { close(busy); <-hold }, Stats{})
		<-busy
		for range maxCalls + 3 {
			q.put(func(Stats) { given++ }, Stats{})
		}
		close(hold)
		q.drain(time.Minute)
	}
	if given != 2*maxCalls {
		t.Errorf("%d calls were given, want %d", given, 2*maxCalls)
	}
	if n := strings.Count(log.String(), "OnCall"); n != 1 || !strings.Contains(log.String(), "missed=3") {
		t.Errorf("%d lines in %q", n, log.String())
	}
}

// TestDrainWhileCallsCome: who waits for the calls so far does not wait for those
// that come after them.
func TestDrainWhileCallsCome(t *testing.T) {
	t.Parallel()
	var q callQueue
	hold, more := make(chan struct{}), make(chan struct{})
	q.put(func(Stats) { <-hold }, Stats{})
	drained := make(chan struct{})
	go func() {
		q.drain(time.Minute)
		close(drained)
	}()
	for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
		q.mu.Lock()
		waiting = len(q.drains)
		q.mu.Unlock()
	}
	q.put(func(Stats) { <-more }, Stats{})
	close(hold)
	select {
	case <-drained:
	case <-time.After(time.Minute):
		t.Error("it waits for what came later")
	}
	close(more)
	q.drain(time.Minute)
}

// TestCallEndsGoroutine: a function that ends its goroutine, as a test's FailNow
// does, keeps no call from the others, and nobody waiting.
func TestCallEndsGoroutine(t *testing.T) {
	t.Parallel()
	var q callQueue
	var called atomic.Int64
	for range 3 {
		q.put(func(Stats) {
			called.Add(1)
			runtime.Goexit()
		}, Stats{})
	}
	q.drain(time.Minute)
	if n := called.Load(); n != 3 {
		t.Errorf("%d calls were handed over, want 3", n)
	}
}
