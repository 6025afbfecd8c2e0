package ledger

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestDistribution(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 10))
	for _, n := range []int{0, 1, 2, 3, 10, exactCalls - 1, exactCalls, exactCalls + 1, 5000} {
		var d Distribution
		var all []int64
		var sum int64
		for range n {
			v := rng.Int64N(1 << uint(1+rng.IntN(40)))
			d.Record(v)
			all = append(all, v)
			sum += v
		}
		slices.Sort(all)
		if d.Count() != int64(n) || d.Sum() != sum {
			t.Errorf("%d calls: count %d sum %d, want sum %d", n, d.Count(), d.Sum(), sum)
		}
		if n == 0 {
			if d.Min() != 0 || d.Max() != 0 || d.Mean() != 0 || d.StdDev() != 0 || d.Percentile(50) != 0 {
				t.Error("the empty distribution has values")
			}
			continue
		}
		if d.Min() != all[0] || d.Max() != all[n-1] || d.Mean() != sum/int64(n) {
			t.Errorf("%d calls: min %d mean %d max %d", n, d.Min(), d.Mean(), d.Max())
		}
		mean, squares := float64(sum)/float64(n), 0.0
		for _, v := range all {
			squares += (float64(v) - mean) * (float64(v) - mean)
		}
		var dev float64
		if n > 1 {
			dev = math.Sqrt(squares / float64(n-1))
		}
		if got := float64(d.StdDev()); math.Abs(got-dev) > 1+dev*1e-9 {
			t.Errorf("%d calls: standard deviation %v, want %v", n, got, dev)
		}
		for _, p := range []float64{0, 1, 25, 50, 90, 95, 99, 99.9, 100} {
			rank := min(max(int(math.Ceil(p/100*float64(n))), 1), n)
			want := float64(all[rank-1])
			got := float64(d.Percentile(p))
			allowed := 0.0
			if n > exactCalls {
				allowed = want/1000 + 1
			}
			if math.Abs(got-want) > allowed {
				t.Errorf("%d calls: p%v is %v, want %v", n, p, got, want)
			}
		}
	}
}

func TestDistributionClone(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 2 * exactCalls} {
		var d Distribution
		for i := range n {
			d.Record(int64(i))
		}
		c := d.Clone()
		for range 10 * n {
			d.Record(1e9)
		}
		if c.Count() != int64(n) || c.Max() != int64(n-1) || c.Percentile(50) > int64(n) {
			t.Errorf("a clone changed with its original: count %d max %d p50 %d", c.Count(), c.Max(), c.Percentile(50))
		}
		before := d.Percentile(50)
		for range 100 * n {
			c.Record(1)
		}
		if d.Percentile(50) != before {
			t.Error("the original changed with its clone")
		}
	}
}

// What is longer than the histogram can hold is still counted.
func TestDistributionBeyond(t *testing.T) {
	t.Parallel()
	var d Distribution
	for range exactCalls + 2 {
		d.Record(math.MaxInt64 / 1000)
	}
	if d.Count() != exactCalls+2 || d.Max() != math.MaxInt64/1000 || d.Percentile(99) > d.Max() {
		t.Errorf("count %d max %d p99 %d", d.Count(), d.Max(), d.Percentile(99))
	}
}
