package cprofile_test

import (
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/internal/scratch"
)

// TestRecursion calls a function within itself: time counts once, and the
// calls read 7/1.
func TestRecursion(t *testing.T) {
	t.Parallel()
	k := measure(t, func(p *cprofile.Profile) { recurse(p, 6) })
	if k.Calls != 7 || k.Outermost != 1 {
		t.Errorf("%d/%d calls, want 7/1", k.Calls, k.Outermost)
	}
	between(t, "asleep", k.Reasons["sleep"], 6*nap/4, k.Elapsed)
}

func recurse(p *cprofile.Profile, n int) {
	if n == 0 {
		return
	}
	defer p.Start().Stop()
	time.Sleep(nap / 4)
	recurse(p, n-1)
}

// TestCallsAddUp measures calls one after the other and side by side.
func TestCallsAddUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(scratch.Folder(t), "known.prof")
	p := cprofile.New(path)
	const one, side = 5, 4
	var mu sync.Mutex
	var inner, outer time.Duration
	call := func() {
		before := time.Now()
		s := p.Start()
		begin := time.Now()
		time.Sleep(nap / 4)
		in := time.Since(begin)
		s.Stop()
		out := time.Since(before)
		mu.Lock()
		inner, outer = inner+in, outer+out
		mu.Unlock()
	}
	for range one {
		call()
	}
	var wg sync.WaitGroup
	for range side {
		wg.Go(call)
	}
	wg.Wait()
	k := read(t, p, path)
	const n = one + side
	if k.Calls != n || k.Outermost != n {
		t.Errorf("%d/%d calls, want %d", k.Calls, k.Outermost, n)
	}
	between(t, "elapsed", k.Elapsed, inner, outer)
	between(t, "asleep", k.Reasons["sleep"], n*nap/4, inner)
	if k.Min <= 0 || k.Min > k.P50 || k.P50 > k.P95 || k.P95 > k.P99 || k.P99 > k.Max || k.Mean != k.Elapsed/n {
		t.Errorf("the distribution is out of order: %+v", k.Stats)
	}
}

// TestPanic measures a decorated function that panics.
func TestPanic(t *testing.T) {
	t.Parallel()
	k := decorated(t, func() {
		time.Sleep(nap)
		panic("known")
	}, func(f func()) {
		defer func() {
			if r := recover(); r != "known" {
				t.Errorf("recovered %v", r)
			}
		}()
		f()
	})
	between(t, "asleep", k.Reasons["sleep"], nap, k.Elapsed)
	if k.Calls != 1 {
		t.Errorf("%d calls, want 1", k.Calls)
	}
}

// TestGoexit measures a decorated function that ends its goroutine.
func TestGoexit(t *testing.T) {
	t.Parallel()
	k := decorated(t, func() {
		time.Sleep(nap)
		runtime.Goexit()
	}, func(f func()) {
		var wg sync.WaitGroup
		wg.Go(f)
		wg.Wait()
	})
	between(t, "asleep", k.Reasons["sleep"], nap, k.Elapsed)
	if k.Calls != 1 {
		t.Errorf("%d calls, want 1", k.Calls)
	}
}

// decorated wraps f, has it called, and reads what that left.
func decorated(t *testing.T, f func(), call func(func())) known {
	t.Helper()
	path := filepath.Join(scratch.Folder(t), "known.prof")
	before := time.Now()
	call(cprofile.Func(path, f))
	outer := time.Since(before)
	k := read(t, cprofile.New(path), path)
	between(t, "elapsed", k.Elapsed, nap, outer)
	return k
}

// TestEndedElsewhere begins a scope on one goroutine and ends it on another:
// what counts is the time of the one that began it, up to the end.
func TestEndedElsewhere(t *testing.T) {
	t.Parallel()
	var k known
	var measured time.Duration
	lateAtMost(func() time.Duration {
		k, measured = endElsewhere(t)
		return k.blockedFor("chan receive")
	})
	k.blocked(t, "chan receive", measured)
	if n := k.Spawned.Total() + k.Joined.Total(); n != 0 {
		t.Errorf("%v of the goroutine that only ended the scope", n)
	}
}

func endElsewhere(t *testing.T) (k known, measured time.Duration) {
	path := filepath.Join(scratch.Folder(t), "known.prof")
	p := cprofile.New(path)
	about, stopped := make(chan cprofile.Scope), make(chan bool)
	go func() {
		s := <-about
		time.Sleep(nap)
		s.Stop()
		close(stopped)
	}()
	about <- p.Start()
	begin := time.Now()
	<-stopped
	measured = time.Since(begin)
	return read(t, p, path), measured
}

// TestSlowerThan keeps the slow call's time in the file, and counts both.
func TestSlowerThan(t *testing.T) {
	t.Parallel()
	path := filepath.Join(scratch.Folder(t), "known.prof")
	p := cprofile.New(path, cprofile.SlowerThan(nap))
	p.Start().Stop()
	s := p.Start()
	time.Sleep(nap)
	s.Stop()
	k := p.Stats()
	if k.Calls != 2 || k.Outermost != 2 || k.Min+k.Max != k.Elapsed {
		t.Errorf("of two calls: %+v", k)
	}
	// The fast call may have been slow after all, on a machine that is busy.
	want := k.Max
	if k.Min >= nap {
		want = k.Elapsed
	}
	await(t, path, want)
	if k.States.Total() != k.Elapsed {
		t.Errorf("states of both calls add up to %v of %v", k.States.Total(), k.Elapsed)
	}
}
