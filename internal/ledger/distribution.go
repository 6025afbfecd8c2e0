package ledger

import (
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Distribution is the distribution of the lengths of calls, in nanoseconds.
// The zero value is empty and ready.
//
// Count, sum, minimum, maximum, mean and standard deviation are exact up to
// the rounding of float64; percentiles are exact for the first exactCalls
// calls and after that within 0.1 % (an HdrHistogram of three significant
// digits, up to 24 hours). The histogram takes a quarter of a megabyte, which
// ten thousand destinations of one call each shall not pay.
type Distribution struct {
	n, sum, min, max int64
	mean, m2         float64 // Welford's recurrence
	exact            []int64
	hist             *hdrhistogram.Histogram
}

const exactCalls = 128

// Record adds one call of ns nanoseconds.
func (d *Distribution) Record(ns int64) {
	if d.n == 0 || ns < d.min {
		d.min = ns
	}
	if ns > d.max {
		d.max = ns
	}
	d.n++
	d.sum += ns
	delta := float64(ns) - d.mean
	d.mean += delta / float64(d.n)
	d.m2 += delta * (float64(ns) - d.mean)

	if d.hist == nil {
		if len(d.exact) < exactCalls {
			d.exact = append(d.exact, ns)
			return
		}
		d.hist = hdrhistogram.New(1, int64(24*3600*1e9), 3)
		for _, v := range d.exact {
			d.record(v)
		}
		d.exact = nil
	}
	d.record(ns)
}

func (d *Distribution) record(ns int64) {
	// RecordValue refuses only what is beyond the highest trackable value.
	_ = d.hist.RecordValue(min(max(ns, 1), d.hist.HighestTrackableValue()))
}

// Count returns the number of calls.
func (d *Distribution) Count() int64 { return d.n }

// Sum returns the sum of all lengths.
func (d *Distribution) Sum() int64 { return d.sum }

// Min returns the shortest call, 0 without calls.
func (d *Distribution) Min() int64 { return d.min }

// Max returns the longest call, 0 without calls.
func (d *Distribution) Max() int64 { return d.max }

// Mean returns the mean, rounded down, 0 without calls.
func (d *Distribution) Mean() int64 {
	if d.n == 0 {
		return 0
	}
	return d.sum / d.n
}

// StdDev returns the standard deviation of the sample (n-1 in the
// denominator), 0 for fewer than two calls.
func (d *Distribution) StdDev() int64 {
	if d.n < 2 {
		return 0
	}
	return int64(math.Sqrt(d.m2 / float64(d.n-1)))
}

// Percentile returns the smallest recorded length that at least p percent of
// the calls do not exceed (nearest rank), 0 without calls.
func (d *Distribution) Percentile(p float64) int64 {
	if d.n == 0 {
		return 0
	}
	rank := min(max(int64(math.Ceil(p/100*float64(d.n))), 1), d.n)
	if d.hist != nil {
		// The histogram rounds the rank to the nearest, which with few calls
		// is another call than the nearest-rank one: it is given a percentage
		// that falls on the rank itself.
		v := d.hist.ValueAtPercentile(100 * float64(rank) / float64(d.n))
		return min(max(v, d.min), d.max)
	}
	return slices.Sorted(slices.Values(d.exact))[rank-1]
}

// Clone returns an independent copy.
func (d *Distribution) Clone() Distribution {
	c := *d
	c.exact = slices.Clone(d.exact)
	if d.hist != nil {
		c.hist = hdrhistogram.Import(d.hist.Export())
	}
	return c
}
