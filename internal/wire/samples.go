package wire

import (
	"fmt"
	"sort"
)

// sample is a CPU sample of the generation at hand. The trace has them apart
// from the events, unsorted.
type sample struct {
	time      uint64 // ticks
	thread    uint64
	goroutine int64
	stack     uint64
}

type byTime []sample

func (s byTime) Len() int           { return len(s) }
func (s byTime) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s byTime) Less(i, j int) bool { return s[i].time < s[j].time }

// addSamples reads a batch of samples.
func (r *Reader) addSamples(b []byte) error {
	for i := 0; i < len(b); {
		if b[i] != evCPUSample {
			return fmt.Errorf("event %d among the CPU samples", b[i])
		}
		i++
		var v [5]uint64 // time, thread, proc, goroutine, stack
		for k := range v {
			x, n := uvarint(b[i:])
			if n == 0 {
				return fmt.Errorf("a CPU sample is cut")
			}
			v[k], i = x, i+n
		}
		g := int64(v[3])
		if g == 0 {
			g = NoGoroutine
		}
		r.samples = append(r.samples, sample{v[0], v[1], g, v[4]})
	}
	return nil
}

func (r *Reader) sortSamples() { sort.Stable(byTime(r.samples)) }
