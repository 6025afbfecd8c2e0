package wire_test

import (
	"bytes"
	"context"
	"io"
	"iter"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"sync"
	"testing"
	"time"
)

// recording serialises the tests that record: there is one tracer.
var recording sync.Mutex

// record returns the trace of f, in several generations, with CPU samples.
func record(t testing.TB, f func()) []byte {
	t.Helper()
	recording.Lock()
	defer recording.Unlock()
	var b bytes.Buffer
	if err := trace.Start(&b); err != nil {
		t.Skip("the tracer is taken, run without -trace: ", err)
	}
	if err := pprof.StartCPUProfile(io.Discard); err == nil {
		defer pprof.StopCPUProfile()
	}
	f()
	// Starting and stopping a flight recorder makes generations.
	if r := trace.NewFlightRecorder(trace.FlightRecorderConfig{}); r.Start() == nil {
		f()
		r.Stop()
	}
	f()
	trace.Stop()
	return b.Bytes()
}

// workloads make every kind of event that is given.
var workloads = map[string]func(testing.TB){
	"channels, mutexes and timers": func(testing.TB) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		c := make(chan int)
		for range 8 {
			wg.Go(func() {
				for range 20 {
					mu.Lock()
					runtime.Gosched()
					mu.Unlock()
					c <- 1
					time.Sleep(time.Microsecond)
				}
			})
		}
		for range 8 * 20 {
			<-c
		}
		wg.Wait()
	},
	"short goroutines": func(testing.TB) {
		for range 20 {
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {})
			}
			wg.Wait()
		}
	},
	"files, pipes and the network": func(t testing.TB) {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		var wg sync.WaitGroup
		wg.Go(func() {
			c, err := l.Accept()
			if err == nil {
				_, _ = io.Copy(c, c)
				c.Close()
			}
		})
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 64)
		for range 100 {
			_, _ = f.Write(buf)
			_, _ = c.Write(buf)
			_, _ = io.ReadFull(c, buf)
		}
		_ = f.Sync()
		c.Close()
		wg.Wait()
	},
	"collections with assists": func(testing.TB) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				var keep [][]byte
				for i := range 2000 {
					keep = append(keep, make([]byte, 4<<10))
					if i%200 == 0 {
						keep = nil
					}
				}
				runtime.KeepAlive(keep)
			})
		}
		wg.Wait()
	},
	"coroutines": func(testing.TB) {
		for range 20 {
			next, stop := iter.Pull(func(yield func(int) bool) {
				for i := range 10 {
					if !yield(i) {
						return
					}
				}
			})
			for range 5 {
				next()
			}
			stop()
		}
	},
	"processors that come and go, and threads": func(testing.TB) {
		n := runtime.GOMAXPROCS(0)
		defer runtime.GOMAXPROCS(n)
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				if i%2 == 0 {
					runtime.LockOSThread() // and never unlocked: the thread ends too
				}
				for range 200 {
					_, _ = os.Stat(".")
					runtime.Gosched()
				}
			})
		}
		for i := range 6 {
			runtime.GOMAXPROCS(1 + i%3)
			time.Sleep(time.Millisecond)
		}
		wg.Wait()
	},
	"log events and samples": func(testing.TB) {
		ctx, task := trace.NewTask(context.Background(), "task")
		defer task.End()
		end := time.Now().Add(20 * time.Millisecond)
		for time.Now().Before(end) {
			trace.Log(ctx, "category", "message")
			trace.Log(context.Background(), "category", "")
			trace.StartRegion(ctx, "region").End()
		}
	},
}
