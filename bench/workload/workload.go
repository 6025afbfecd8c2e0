// Package workload holds the programs that the benchmarks profile. Each keeps
// the runtime busy in its own way, so that a profiler that is cheap for one
// and dear for another is found out.
//
// Workloads count operations and take no time themselves: how many ran, at
// which price, is the caller's to find. All of them run against a deadline
// and not for a number of operations, because a profiler may slow one by a
// factor and another by nothing, and windows of equal length weigh the fixed
// cost of a profile's start and end equally.
package workload

import (
	"fmt"
	"sync/atomic"
	"time"
)

// A Workload is one kind of program.
type Workload struct {
	Name string
	Op   string // what one operation is, in the words of a table's legend
	New  func(dir string) (Load, error)
}

// A Load is a workload that has been set up. Run may be called again and
// again, never twice at once.
type Load interface {
	// Run works for d and returns the number of operations done.
	Run(d time.Duration) int64
	Close() error
}

// All lists the workloads in the order in which tables show them.
func All() []Workload {
	return []Workload{
		{"cpu", "hash 16 KiB and sort 256 numbers", newCPU},
		{"mixed", "HTTP request over loopback: JSON, a mutex, a file", newMixed},
		{"pingpong", "round trip over two unbuffered channels", newPingPong},
		{"shortgo", "goroutine of about a microsecond, 100,000 a second", newShortGo},
		{"shortgoflat", "goroutine of about a microsecond, as fast as they go", newShortGoFlat},
		{"gc", "tree of 1,023 nodes built in a live heap of a million", newGC},
		{"events", "round trip over channels, paced to a million trace events a second", newEvents},
		{"light", "hash of 4 KiB, paced to a fraction of a core", newLight},
	}
}

// Find returns the workload of that name.
func Find(name string) (Workload, error) {
	for _, w := range All() {
		if w.Name == name {
			return w, nil
		}
	}
	return Workload{}, fmt.Errorf("no workload %q", name)
}

// deadline turns true after d. Workers poll it once an operation, which costs
// a load; a time.Now an operation would be a good part of a channel switch. It
// is polled after an operation: one is done even where the machine gives no
// time before the deadline.
type deadline struct{ past atomic.Bool }

func newDeadline(d time.Duration) *deadline {
	l := new(deadline)
	time.AfterFunc(d, func() { l.past.Store(true) })
	return l
}

// padded keeps the counters of two workers out of each other's cache lines.
type padded struct {
	n int64
	_ [120]byte
}

func sum(counters []padded) (n int64) {
	for i := range counters {
		n += counters[i].n
	}
	return n
}
