package workload

import (
	"crypto/sha256"
	"slices"
	"sync"
	"time"
)

// cpu is two goroutines that compute and do nothing else: no allocation, no
// lock, no system call. What a profiler adds here is interruption alone.
type cpu struct{ workers int }

func newCPU(string) (Load, error) { return &cpu{workers: 2}, nil }

func (c *cpu) Close() error { return nil }

func (c *cpu) Run(d time.Duration) int64 {
	end := newDeadline(d)
	done := make([]padded, c.workers)
	var wg sync.WaitGroup
	for i := range c.workers {
		wg.Go(func() {
			w := newCruncher(uint32(i))
			for more := true; more; more = !end.past.Load() {
				w.op()
				done[i].n++
			}
		})
	}
	wg.Wait()
	return sum(done)
}

// A cruncher is the state of one computing goroutine. Its functions are kept
// from being inlined so that stacks have some depth to walk.
type cruncher struct {
	seed    uint32
	block   [16 << 10]byte
	numbers [256]uint32
}

func newCruncher(seed uint32) *cruncher { return &cruncher{seed: seed*2654435761 + 1} }

//go:noinline
func (w *cruncher) op() {
	w.hash(len(w.block))
	w.sort()
}

//go:noinline
func (w *cruncher) hash(n int) {
	digest := sha256.Sum256(w.block[:n])
	copy(w.block[w.seed%uint32(n-len(digest)):], digest[:])
}

//go:noinline
func (w *cruncher) sort() {
	for i := range w.numbers {
		w.numbers[i] = w.next()
	}
	slices.Sort(w.numbers[:])
}

func (w *cruncher) next() uint32 {
	w.seed ^= w.seed << 13
	w.seed ^= w.seed >> 17
	w.seed ^= w.seed << 5
	return w.seed
}
