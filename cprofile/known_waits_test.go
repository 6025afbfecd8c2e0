package cprofile_test

import (
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/profscope/profscope/cprofile"
)

// wait is an operation that blocks until it is released.
type wait struct {
	name   string
	reason string
	fn     string // in which it blocks
	// make returns the operation and what releases it.
	make func(t *testing.T) (block, release func())
}

var waits = []wait{
	{"unbuffered receive", "chan receive", "", func(*testing.T) (func(), func()) {
		c := make(chan int)
		return func() { <-c }, func() { c <- 1 }
	}},
	{"unbuffered send", "chan send", "", func(*testing.T) (func(), func()) {
		c := make(chan int)
		return func() { c <- 1 }, func() { <-c }
	}},
	{"empty buffer", "chan receive", "", func(*testing.T) (func(), func()) {
		c := make(chan int, 3)
		return func() { <-c }, func() { c <- 1 }
	}},
	{"full buffer", "chan send", "", func(*testing.T) (func(), func()) {
		c := make(chan int, 1)
		c <- 1
		return func() { c <- 2 }, func() { <-c }
	}},
	{"closed channel", "chan receive", "", func(*testing.T) (func(), func()) {
		c := make(chan int)
		return func() {
			for range c {
			}
		}, func() { close(c) }
	}},
	{"select", "select", "", func(*testing.T) (func(), func()) {
		a, b := make(chan int), make(chan int)
		return func() {
			select {
			case <-a:
			case b <- 1:
			}
		}, func() { <-b }
	}},
	{"mutex", "sync", "sync.(*Mutex).Lock", func(*testing.T) (func(), func()) {
		var mu sync.Mutex
		mu.Lock()
		return mu.Lock, mu.Unlock
	}},
	{"write lock", "sync", "sync.(*RWMutex).Lock", func(*testing.T) (func(), func()) {
		var mu sync.RWMutex
		mu.RLock()
		return mu.Lock, mu.RUnlock
	}},
	{"read lock", "sync", "sync.(*RWMutex).RLock", func(*testing.T) (func(), func()) {
		var mu sync.RWMutex
		mu.Lock()
		return mu.RLock, mu.Unlock
	}},
	{"wait group", "sync", "sync.(*WaitGroup).Wait", func(*testing.T) (func(), func()) {
		var wg sync.WaitGroup
		wg.Add(1)
		return wg.Wait, wg.Done
	}},
	{"condition", "sync.(*Cond).Wait", "sync.(*Cond).Wait", func(*testing.T) (func(), func()) {
		var mu sync.Mutex
		c, ready := sync.NewCond(&mu), false
		return func() {
				mu.Lock()
				defer mu.Unlock()
				for !ready {
					c.Wait()
				}
			}, func() {
				mu.Lock()
				ready = true
				mu.Unlock()
				c.Signal()
			}
	}},
	{"once", "sync", "sync.(*Once).Do", func(*testing.T) (func(), func()) {
		var once sync.Once
		in, out := make(chan bool), make(chan bool)
		go once.Do(func() { close(in); <-out })
		<-in
		return func() { once.Do(func() {}) }, func() { close(out) }
	}},
	{"pipe", "network", "os.(*File).Read", func(t *testing.T) (func(), func()) {
		r, w := pipe(t)
		t.Cleanup(func() { r.Close() })
		return func() { io.Copy(io.Discard, struct{ io.Reader }{r}) }, func() { w.Close() }
	}},
	{"socket", "network", "net.(*conn).Read", func(t *testing.T) (func(), func()) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Skip(err)
		}
		defer l.Close()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return func() { c.Read(make([]byte, 1)) }, func() { s.Close() }
	}},
	{"accept", "network", "net.(*TCPListener).Accept", func(t *testing.T) (func(), func()) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Skip(err)
		}
		return func() { l.Accept() }, func() { l.Close() }
	}},
	{"timer", "chan receive", "", func(*testing.T) (func(), func()) {
		return func() { <-time.After(nap) }, nil
	}},
	{"sleep", "sleep", "time.Sleep", func(*testing.T) (func(), func()) {
		return func() { time.Sleep(nap) }, nil
	}},
	{"deadline", "network", "os.(*File).Read", func(t *testing.T) (func(), func()) {
		r, w := pipe(t)
		t.Cleanup(func() { r.Close(); w.Close() })
		return func() {
			r.SetReadDeadline(time.Now().Add(nap))
			r.Read(make([]byte, 1))
		}, nil
	}},
}

// pipe returns the ends of a pipe that the poller knows.
func pipe(t *testing.T) (r, w *os.File) {
	if runtime.GOOS == "windows" {
		t.Skip("reading a pipe is a system call there")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// TestWaits holds each way to wait against the clock.
func TestWaits(t *testing.T) {
	for _, w := range waits {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			fns := []string{pkg + "waitFor"}
			if w.fn != "" {
				fns = append(fns, w.fn)
			}
			var k known
			var measured time.Duration
			lateAtMost(func() time.Duration {
				k, measured = waitOnce(t, w)
				return k.blockedFor(w.reason, fns...)
			})
			k.blocked(t, w.reason, measured, fns...)
			if n := k.Spawned.Total() + k.Joined.Total(); n != 0 {
				t.Errorf("%v of goroutines that are no members", n)
			}
			if k.Calls != 1 || k.Outermost != 1 || k.Min != k.Elapsed || k.Max != k.Elapsed || k.Mean != k.Elapsed {
				t.Errorf("of one call: %+v", k.Stats)
			}
		})
	}
}

// waitOnce measures one such wait.
func waitOnce(t *testing.T, w wait) (k known, measured time.Duration) {
	block, release := w.make(t)
	about, done := make(chan bool), make(chan bool)
	if release == nil {
		release = func() {}
	}
	go func() { // older than the scope: no member
		defer close(done)
		<-about
		time.Sleep(nap)
		release()
	}()
	k = measure(t, func(*cprofile.Profile) {
		close(about)
		begin := time.Now()
		waitFor(block)
		measured = time.Since(begin)
	})
	<-done
	return k, measured
}

// waitFor is the function that stacks must name.
//
//go:noinline
func waitFor(block func()) { block() }
