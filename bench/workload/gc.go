package workload

import (
	"runtime"
	"sync"
	"time"
)

// gc allocates as fast as two goroutines can, beside a live heap full of
// pointers: the collector is nearly always at work, goroutines assist it, and
// many of the trace's events are the collector's.
type gc struct {
	live []*node
	turn [2]int
}

type node struct {
	left, right *node
	_           [2]uint64 // payload
}

const (
	gcDepth = 10   // a tree has 1<<gcDepth - 1 nodes
	gcTrees = 1024 // trees alive at a time
)

func newGC(string) (Load, error) {
	g := &gc{live: make([]*node, gcTrees)}
	for i := range g.live {
		g.live[i] = grow(gcDepth)
	}
	runtime.GC()
	return g, nil
}

func (g *gc) Close() error { g.live = nil; return nil }

func (g *gc) Run(d time.Duration) int64 {
	end := newDeadline(d)
	done := make([]padded, len(g.turn))
	var wg sync.WaitGroup
	for i := range g.turn {
		mine := g.live[i*gcTrees/len(g.turn) : (i+1)*gcTrees/len(g.turn)]
		wg.Go(func() {
			for more := true; more; more = !end.past.Load() {
				mine[g.turn[i]] = grow(gcDepth)
				g.turn[i] = (g.turn[i] + 1) % len(mine)
				done[i].n++
			}
		})
	}
	wg.Wait()
	return sum(done)
}

func grow(depth int) *node {
	if depth == 0 {
		return nil
	}
	return &node{left: grow(depth - 1), right: grow(depth - 1)}
}
