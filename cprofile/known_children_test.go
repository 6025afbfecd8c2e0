package cprofile_test

import (
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/profscope/profscope/cprofile"
)

// family is what its goroutines measure of themselves.
type family struct {
	wg     sync.WaitGroup
	mu     sync.Mutex
	within time.Duration // from each one's first statement to its last
}

const children = 3

// TestChildrenAndGrandchildren starts goroutines that start goroutines; all
// end before the scope does.
func TestChildrenAndGrandchildren(t *testing.T) {
	t.Parallel()
	var f family
	k := measure(t, func(*cprofile.Profile) { f.gather() })
	const n = 2 * children
	total := k.Spawned.Total()
	between(t, "inside", total, f.within, n*k.Elapsed)
	gather, child, grand := pkg+"(*family).gather", pkg+"(*family).child", pkg+"(*family).grandchild"
	if got := k.wall(where{role: "spawned", fns: []string{gather}}); got != total {
		t.Errorf("%v of %v hang under the function that started them", got, total)
	}
	for _, w := range []struct {
		goroutines time.Duration
		fns        []string
	}{
		{n, []string{gather, "time.Sleep"}},
		{n, []string{gather, child, "time.Sleep"}},
		{children, []string{gather, child, grand, "time.Sleep"}},
	} {
		got := k.wall(where{role: "spawned", state: "blocked", reason: "sleep", fns: w.fns})
		between(t, fmt.Sprint("asleep in ", w.fns), got, w.goroutines*nap, f.within)
	}
}

//go:noinline
func (f *family) gather() {
	for range children {
		f.wg.Add(2)
		go f.child()
	}
	f.wg.Wait()
}

//go:noinline
func (f *family) child() {
	defer f.measure()()
	go f.grandchild()
	time.Sleep(nap)
}

//go:noinline
func (f *family) grandchild() {
	defer f.measure()()
	time.Sleep(nap)
}

func (f *family) measure() func() {
	begin := time.Now()
	return func() {
		f.mu.Lock()
		f.within += time.Since(begin)
		f.mu.Unlock()
		f.wg.Done()
	}
}

// TestSpawnedOutlivesTheScope counts a goroutine up to the scope's end and not
// beyond: it cannot have been inside for longer than the scope lasted.
func TestSpawnedOutlivesTheScope(t *testing.T) {
	t.Parallel()
	release := make(chan bool)
	defer close(release)
	k := measure(t, func(*cprofile.Profile) {
		go func() { <-release }()
		time.Sleep(nap)
	})
	between(t, "inside", k.Spawned.Total(), nap, k.Elapsed)
	if k.Spawned.Total() > k.Elapsed {
		t.Errorf("spawned %v of %v", k.Spawned.Total(), k.Elapsed)
	}
}

// TestOlderAndYounger starts a goroutine before the scope and one after it:
// neither is a member, whatever they do meanwhile.
func TestOlderAndYounger(t *testing.T) {
	t.Parallel()
	stop := make(chan bool)
	var wg sync.WaitGroup
	busy := func() {
		for {
			select {
			case <-stop:
				return
			default:
				time.Sleep(time.Millisecond)
			}
		}
	}
	wg.Go(busy)
	k := measure(t, func(*cprofile.Profile) { time.Sleep(nap) })
	wg.Go(busy)
	close(stop)
	wg.Wait()
	if n := k.Spawned.Total(); n != 0 {
		t.Errorf("%v of spawned goroutines in a scope that starts none", n)
	}
}

// TestCoroutine follows a pulled sequence: it runs on a goroutine of its own,
// which is blocked as a coroutine while it is not asked.
func TestCoroutine(t *testing.T) {
	t.Parallel()
	k := measure(t, func(*cprofile.Profile) {
		next, stop := iter.Pull(func(yield func(int) bool) {
			for i := 0; yield(i); i++ {
			}
		})
		for range 3 {
			next()
			time.Sleep(nap)
		}
		stop()
	})
	between(t, "blocked as a coroutine", k.Reasons["coroutine"], 3*nap, 2*k.Elapsed)
	if k.Spawned.Total() == 0 {
		t.Error("the coroutine is no member")
	}
}
