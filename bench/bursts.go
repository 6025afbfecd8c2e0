package main

import (
	"runtime"
	"slices"
	"time"
)

// What one call costs is measured in bursts with pauses, 100,000 calls a
// second in all: a loop of millions a second would measure a recording that
// has stepped down, and one call at a time would measure the clock.
const (
	burstCalls = 500
	burstEvery = 5 * time.Millisecond
)

// nanosPerCall runs calls(burstCalls) in bursts for d and returns the median
// time of one call.
func nanosPerCall(d time.Duration, calls func(n int)) float64 {
	calls(burstCalls) // first calls resolve names and grow stacks
	var took []float64
	for begin := time.Now(); time.Since(begin) < d; time.Sleep(burstEvery) {
		t := time.Now()
		calls(burstCalls)
		took = append(took, float64(time.Since(t))/burstCalls)
	}
	return median(took)
}

// nanosBrief is nanosPerCall for calls of which 50 are one reading of the clock:
// 200 stand for one.
func nanosBrief(d time.Duration, calls func(n int)) float64 {
	return nanosPerCall(d, func(n int) { calls(n * 200) }) / 200
}

// nanosFlatOut is the mean time of one call without pauses, in the second half
// of d.
func nanosFlatOut(d time.Duration, calls func(n int)) float64 {
	for begin := time.Now(); time.Since(begin) < d/2; {
		calls(burstCalls)
	}
	n, begin := 0, time.Now()
	for time.Since(begin) < d/2 {
		calls(burstCalls)
		n += burstCalls
	}
	return float64(time.Since(begin)) / float64(n)
}

// allocsPerCall is what calls allocates on its own goroutine. The runtime
// counts allocations of the process, and the recording's reader allocates too;
// so there is one P, which a short burst does not give up, and the median of
// many bursts.
func allocsPerCall(calls func(n int)) float64 {
	const n = 100
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	calls(n)
	var counts []uint64
	var before, after runtime.MemStats
	for range 41 {
		runtime.ReadMemStats(&before)
		calls(n)
		runtime.ReadMemStats(&after)
		counts = append(counts, after.Mallocs-before.Mallocs)
		time.Sleep(time.Millisecond)
	}
	slices.Sort(counts)
	return float64(counts[len(counts)/2]) / n
}

// onFreshStack runs f on a new goroutine, below depth calls.
func onFreshStack(depth int, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		descend(depth-1, f)
	}()
	<-done
}

//go:noinline
func descend(n int, f func()) int {
	if n <= 0 {
		f()
		return 0
	}
	return descend(n-1, f) + 1
}
