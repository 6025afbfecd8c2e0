package workload

import "sync"

// Park starts n goroutines that wait on a channel, at stack depths from 1 to
// 32 calls, and returns when all of them are about to wait. They are what a
// server with many idle connections holds: nothing to do, but a stack that a
// sampling profiler walks each time. release ends them and waits.
func Park(n int) (release func()) {
	gate := make(chan struct{})
	var ready, gone sync.WaitGroup
	ready.Add(n)
	for i := range n {
		gone.Go(func() { wait(i%32, gate, &ready) })
	}
	ready.Wait()
	return func() {
		close(gate)
		gone.Wait()
	}
}

//go:noinline
func wait(depth int, gate <-chan struct{}, ready *sync.WaitGroup) int {
	if depth > 0 {
		// Not a tail position: the frame must stay.
		return wait(depth-1, gate, ready) + 1
	}
	ready.Done()
	<-gate
	return 0
}
