package session

import (
	"context"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestJoinOfAnEndedScope: a worker whose request ends while it joins is no member of
// the next one, which has the same slot.
func TestJoinOfAnEndedScope(t *testing.T) {
	dir := t.TempDir()
	outer := OpenScope(filepath.Join(dir, "outer.prof")) // one recording for all
	const slept = 200 * time.Microsecond
	var calls, strangers atomic.Int64
	d := Open(filepath.Join(dir, "x.prof"), func(o *Options) {
		o.OnCall = func(s Stats) {
			// The worker sleeps from about the begin of each second scope.
			if calls.Add(1)%2 == 0 && s.Joined.Blocked >= slept/2 {
				strangers.Add(1)
			}
		}
	})
	var request atomic.Pointer[context.Context] // no channel: the worker is there at once
	var served atomic.Int64
	const n = 2000
	var worker sync.WaitGroup
	worker.Go(func() {
		for range n {
			ctx := request.Swap(nil)
			for ; ctx == nil; ctx = request.Swap(nil) {
				runtime.Gosched()
			}
			leave := Join(*ctx)
			time.Sleep(slept)
			leave()
			served.Add(1)
		}
	})
	for i := range int64(n) {
		sc := d.Begin()
		ctx := sc.Attach(t.Context())
		request.Store(&ctx)
		for range i % 64 * 32 { // until a moment in which it joins
			served.Load()
		}
		if err := sc.End(); err != nil {
			t.Fatal(err)
		}
		next := d.Begin()
		for served.Load() <= i {
			runtime.Gosched()
		}
		if err := next.End(); err != nil {
			t.Fatal(err)
		}
	}
	worker.Wait()
	if err := outer.End(); err != nil {
		t.Fatal(err)
	}
	Settle(10 * time.Second)
	if n := strangers.Load(); n > 0 {
		t.Errorf("a worker of an ended scope was a member of %d others", n)
	}
}
