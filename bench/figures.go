package main

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// A figure is the median of a sample with its interval.
//
// The interval is benchmath's, made of order statistics: it supposes nothing
// about the distribution, and noise on a shared machine has a long tail. Fewer
// than six values cannot give 95 %; then it is the range of what was seen.
type figure struct {
	n           int
	mid         float64
	lo, hi      float64 // the interval
	least, most float64
}

func newFigure(values []float64) figure {
	if len(values) == 0 {
		return figure{mid: math.NaN(), lo: math.NaN(), hi: math.NaN()}
	}
	values = slices.Sorted(slices.Values(values))
	mid := quantile(values, 0.5) // benchmath's own interpolates between infinities
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), 0.95)
	f := figure{
		n:     len(values),
		mid:   mid,
		lo:    s.Lo,
		hi:    s.Hi,
		least: values[0],
		most:  values[len(values)-1],
	}
	if math.IsInf(f.lo, 0) || math.IsInf(f.hi, 0) || len(values) < 6 {
		f.lo, f.hi = f.least, f.most
	}
	return f
}

// quantile interpolates between the neighbours, as Hyndman and Fan's seventh
// definition does (R's and NumPy's default).
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	part := at - float64(i)
	if part == 0 || sorted[i] == sorted[i+1] {
		return sorted[i] // infinities cannot be interpolated
	}
	return sorted[i] + part*(sorted[i+1]-sorted[i])
}

// show formats the median and the interval, each by format.
func (f figure) show(format string) string {
	switch {
	case f.n == 0:
		return "failed"
	case f.n == 1:
		return fmt.Sprintf(format, f.mid)
	}
	return fmt.Sprintf(format+" ("+format+" to "+format+")", f.mid, f.lo, f.hi)
}

// verdict compares a figure with the most that it may be. It is plain only
// when the whole interval is on one side.
func (f figure) verdict(limit float64) string {
	switch {
	case f.n == 0:
		return "failed"
	case f.hi <= limit:
		return "met"
	case f.mid <= limit:
		return "met?"
	case f.lo <= limit:
		return "missed?"
	}
	return "missed"
}

// atLeast compares a figure with the least that it may be.
func (f figure) atLeast(limit float64) string {
	return figure{n: f.n, mid: -f.mid, lo: -f.hi, hi: -f.lo}.verdict(-limit)
}

// paired returns f of each round in which both readings exist.
func paired(a, b []reading, f func(a, b reading) float64) (values []float64) {
	for i := range a {
		if a[i].Err == nil && b[i].Err == nil {
			values = append(values, f(a[i], b[i]))
		}
	}
	return values
}

// single returns f of each reading that exists.
func single(rs []reading, f func(reading) float64) []float64 {
	return paired(rs, rs, func(r, _ reading) float64 { return f(r) })
}

// value returns a getter of one of a scenario's own figures.
func value(name string) func(reading) float64 {
	return func(r reading) float64 {
		v, ok := r.Values[name]
		if !ok {
			return math.NaN()
		}
		return v
	}
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return quantile(slices.Sorted(slices.Values(values)), 0.5)
}
