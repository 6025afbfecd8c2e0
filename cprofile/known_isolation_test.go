package cprofile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/internal/scratch"
)

// spell calls zero and one for the bits of n, the lowest first, and f at the
// end: the stack then spells n, and no two scopes have a stack in common.
func spell(n, bits int, f func()) {
	switch {
	case bits == 0:
		f()
	case n%2 == 0:
		zero(n/2, bits-1, f)
	default:
		one(n/2, bits-1, f)
	}
}

//go:noinline
func zero(n, bits int, f func()) { spell(n, bits, f) }

//go:noinline
func one(n, bits int, f func()) { spell(n, bits, f) }

// spelled reads a stack, root first. The number may be cut off by whatever is
// below: bits tells how much of it was read.
func spelled(fns []string) (n, bits int) {
	for _, fn := range fns {
		switch fn {
		case pkg + "one":
			n |= 1 << bits
			fallthrough
		case pkg + "zero":
			bits++
		}
	}
	return n, bits
}

// isolated asserts that every stack of k's file that spells anything spells a
// prefix of one of the numbers, and that each number is spelled whole.
func (k known) isolated(t *testing.T, bits int, numbers ...int) {
	t.Helper()
	whole := make(map[int]bool)
	for _, s := range k.file.Sample {
		fns := stack(s)
		got, n := spelled(fns)
		if n == bits {
			whole[got] = true
		}
		if !slices.ContainsFunc(numbers, func(want int) bool { return want&(1<<n-1) == got }) {
			t.Errorf("a foreign function in the file of %v: %s", numbers, strings.Join(fns, ";"))
			return
		}
	}
	for _, want := range numbers {
		if !whole[want] {
			t.Errorf("scope %d has no stack of its own in %d samples", want, len(k.file.Sample))
		}
	}
}

// TestIsolation opens many scopes at once, each of its own goroutine, which
// starts another one. All are open before any ends.
func TestIsolation(t *testing.T) {
	t.Parallel()
	whole(t, func() known { return isolate(t) })
}

// isolate returns the first of the profiles that stepped down, if one did: of
// such a recording nothing is asserted.
func isolate(t *testing.T) (k known) {
	const n, bits = scopesAtOnce, 11
	dir := memoryDir(t) // each file is synced: half a minute on some disks
	ps := make([]*cprofile.Profile, n)
	file := func(i int) string { return filepath.Join(dir, fmt.Sprint(i, ".prof")) }
	var opened, all sync.WaitGroup
	opened.Add(n)
	for i := range n {
		ps[i] = cprofile.New(file(i))
		all.Go(func() {
			defer ps[i].Start().Stop()
			opened.Done()
			opened.Wait()
			spell(i, bits, func() {
				var wg sync.WaitGroup
				wg.Go(func() { time.Sleep(time.Millisecond) })
				wg.Wait()
			})
		})
	}
	all.Wait()
	for i, p := range ps {
		if i%100 == 0 { // Stats forces a generation: not as many as there are scopes
			k = read(t, p, file(i))
		} else {
			k = known{file: await(t, file(i), 0)}
		}
		if k.steppedDown() {
			return k
		}
		k.isolated(t, bits, i)
		if self := k.wall(where{role: "self"}); self != time.Duration(k.file.DurationNanos) || self == 0 {
			t.Errorf("scope %d: %v of self in a file of %v", i, self, time.Duration(k.file.DurationNanos))
		}
		if k.wall(where{role: "spawned"}) == 0 || k.wall(where{state: "unknown"}) != 0 {
			t.Errorf("scope %d: %v of spawned goroutines, %v unknown: %q, %+v", i, k.wall(where{role: "spawned"}), k.wall(where{state: "unknown"}), k.file.Comments, p.Stats())
		}
		if t.Failed() {
			return k
		}
	}
	return k
}

// memoryDir returns a folder in memory where the system has one.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "profscope")
	if err != nil {
		return scratch.Folder(t)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Cleanup(func() { scratch.Flush(t, dir) })
	return dir
}

// TestIsolationOfShapes has scopes side by side, nested and overlapping on one
// goroutine: each file has what was done while its scope was open.
func TestIsolationOfShapes(t *testing.T) {
	t.Parallel()
	whole(t, func() known { return isolateShapes(t) })
}

// isolateShapes is to shapes what isolate is to many scopes.
func isolateShapes(t *testing.T) (k known) {
	dir := scratch.Folder(t)
	path := func(name string) string { return filepath.Join(dir, name+".prof") }
	ps := make(map[string]*cprofile.Profile)
	for _, name := range []string{"outer", "inner", "a", "b", "first", "second"} {
		ps[name] = cprofile.New(path(name))
	}
	do := func(n int) { spell(n, 4, func() { time.Sleep(time.Millisecond) }) }

	outer := ps["outer"].Start() // nested: 1 (2) 3
	do(1)
	inner := ps["inner"].Start()
	do(2)
	inner.Stop()
	do(3)
	outer.Stop()

	a := ps["a"].Start() // overlapping: 4 (5 [6) 7]
	do(4)
	b := ps["b"].Start()
	do(5)
	a.Stop()
	do(6)
	b.Stop()

	do(7) // in nobody's scope
	first := ps["first"].Start()
	do(8)
	first.Stop()
	do(9)
	second := ps["second"].Start()
	do(10)
	second.Stop()

	for name, numbers := range map[string][]int{
		"outer": {1, 2, 3}, "inner": {2}, "a": {4, 5}, "b": {5, 6}, "first": {8}, "second": {10},
	} {
		if k = read(t, ps[name], path(name)); k.steppedDown() {
			return k
		}
		k.isolated(t, 4, numbers...)
		if k.Spawned.Total() != 0 {
			t.Errorf("%s has %v of spawned goroutines", name, k.Spawned.Total())
		}
	}
	return k
}
