package ledger_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/profscope/profscope/internal/ledger"
)

func TestSummary(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 255, 256, 257, 258, 1000, 5001} {
		var whole, left, right ledger.Summary
		var all []int64
		for i := range n {
			v := rnd.Int64N(400) + 1e12
			all = append(all, v)
			whole.Add(v)
			if i%3 == 0 {
				left.Add(v)
			} else {
				right.Add(v)
			}
		}
		left.Merge(&right)
		slices.Sort(all)
		var total int64
		for _, v := range all {
			total += v
		}
		mean := float64(total) / float64(n)
		var squares float64
		for _, v := range all {
			squares += (float64(v) - mean) * (float64(v) - mean)
		}
		want := ledger.Figures{Count: int64(n), Total: total, Min: all[0], Max: all[n-1], Mean: mean,
			Median: (float64(all[(n-1)/2]) + float64(all[n/2])) / 2}
		if n > 1 {
			want.StdDev = math.Sqrt(squares / float64(n-1))
		}
		for _, s := range []*ledger.Summary{&whole, &left} {
			got := s.Figures()
			if math.Abs(got.StdDev-want.StdDev) > 1e-6*want.StdDev {
				t.Errorf("n=%d: standard deviation %v, want %v", n, got.StdDev, want.StdDev)
			}
			got.StdDev = want.StdDev
			if got != want {
				t.Errorf("n=%d: got %+v, want %+v", n, got, want)
			}
		}
	}
	if f := new(ledger.Summary).Figures(); f != (ledger.Figures{}) {
		t.Errorf("empty: %+v", f)
	}
}
