package ledger

import (
	"math"
	"math/bits"
	"slices"
)

// Summary holds the lengths of the instances of one name, exactly: a median
// is no median when it comes from buckets. The zero Summary is empty and
// ready.
//
// Equal lengths share a place once there are many, so a long run of a short
// loop costs what its different lengths cost and not what its length does.
type Summary struct {
	plain  []int64 // not sorted; folded into counts when it is full
	counts map[int64]int64
	n      int64
	total  int64
}

const summaryPlain = 256

// Add counts one instance of ns nanoseconds.
func (s *Summary) Add(ns int64) {
	s.n++
	s.add(ns, 1)
	if s.counts != nil {
		s.counts[ns]++
		return
	}
	s.plain = append(s.plain, ns)
	if len(s.plain) > summaryPlain {
		s.counts = make(map[int64]int64, 2*summaryPlain)
		for _, v := range s.plain {
			s.counts[v]++
		}
		s.plain = nil
	}
}

// add adds n times v to the total, which stays at the largest number rather
// than turn negative: a damaged file may have any length.
func (s *Summary) add(v, n int64) {
	high, low := bits.Mul64(uint64(max(v, -v)), uint64(n))
	if high != 0 || low > math.MaxInt64 {
		low = math.MaxInt64
	}
	d := int64(low)
	if v < 0 {
		d = -d
	}
	switch sum := s.total + d; {
	case d > 0 && sum < s.total:
		s.total = math.MaxInt64
	case d < 0 && sum > s.total:
		s.total = math.MinInt64
	default:
		s.total = sum
	}
}

// Merge adds all instances of o.
func (s *Summary) Merge(o *Summary) {
	for _, v := range o.plain {
		s.Add(v)
	}
	for v, n := range o.counts {
		s.Add(v)
		s.counted(v, n-1)
	}
}

func (s *Summary) counted(v, n int64) {
	if n == 0 {
		return
	}
	if s.counts == nil {
		for range n {
			s.Add(v)
		}
		return
	}
	s.n += n
	s.add(v, n)
	s.counts[v] += n
}

// Count returns the number of instances.
func (s *Summary) Count() int64 { return s.n }

// Total returns their sum in nanoseconds.
func (s *Summary) Total() int64 { return s.total }

// Figures are the statistics of a [Summary], in nanoseconds; all zero where
// it is empty.
type Figures struct {
	Count, Total, Min, Max int64
	Mean, Median           float64
	// StdDev is the sample standard deviation (n-1 in the denominator), as
	// Nsight Systems prints it; 0 for a single instance.
	StdDev float64
}

// Figures computes the statistics.
func (s *Summary) Figures() Figures {
	if s.n == 0 {
		return Figures{}
	}
	type many struct{ v, n int64 }
	all := make([]many, 0, len(s.plain)+len(s.counts))
	for _, v := range s.plain {
		all = append(all, many{v, 1})
	}
	for v, n := range s.counts {
		all = append(all, many{v, n})
	}
	slices.SortFunc(all, func(a, b many) int {
		switch {
		case a.v < b.v:
			return -1
		case a.v > b.v:
			return 1
		}
		return 0
	})
	f := Figures{Count: s.n, Total: s.total, Min: all[0].v, Max: all[len(all)-1].v, Mean: float64(s.total) / float64(s.n)}
	// at returns the i-th of the sorted instances, counted from 0.
	at := func(i int64) int64 {
		for _, m := range all {
			if i < m.n {
				return m.v
			}
			i -= m.n
		}
		return f.Max
	}
	f.Median = float64(at((s.n-1)/2))/2 + float64(at(s.n/2))/2
	if s.n > 1 {
		// Two passes: the one-pass formula loses all digits where the lengths
		// are large and alike.
		var sum float64
		for _, m := range all {
			d := float64(m.v) - f.Mean
			sum += float64(m.n) * d * d
		}
		f.StdDev = math.Sqrt(sum / float64(s.n-1))
	}
	return f
}
