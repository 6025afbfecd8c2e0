package format

import (
	"fmt"
	"math"

	"github.com/profscope/profscope/internal/ledger"
)

// estimate is what is known of how well CPU samples tell functions apart.
type estimate struct {
	samples int64 // taken in running time
	guessed int64 // running time in nanoseconds of pools without a sample
	// effective is the number of equally weighted samples that would tell as
	// much: running time is shared out pool by pool, so a sample of one pool
	// stands for more time than one of another (Kish, Survey Sampling, 1965:
	// the square of the sum of the weights over the sum of their squares).
	effective float64

	// top is the function that ran longest itself and share its part, 0..1,
	// of the running time that has samples.
	top   string
	share float64
}

func sampled(s *ledger.Stacks, entries []ledger.Entry, guessed int64) estimate {
	est := estimate{guessed: guessed}
	var sum, squares float64
	byName := make(map[string]int64)
	for i := range entries {
		e := &entries[i]
		if e.State != ledger.Running || e.Samples == 0 {
			continue
		}
		est.samples += e.Samples
		sum += float64(e.Nanos)
		squares += float64(e.Nanos) * float64(e.Nanos) / float64(e.Samples)
		name := noStack
		if e.Stack != 0 {
			name = s.FrameOf(s.Leaf(e.Stack)).Func
		}
		byName[name] += e.Nanos
	}
	for name, ns := range byName {
		share := float64(ns) / sum
		if share > est.share || share == est.share && name < est.top {
			est.top, est.share = name, share
		}
	}
	if squares > 0 {
		est.effective = sum * sum / squares
	}
	return est
}

// sentence says what may be read out of the numbers and what may not.
func (est estimate) sentence(l *ledger.Ledger) string {
	t := l.Book.Totals()
	var running int64
	for r := range t {
		running += t[r][ledger.Running]
	}
	s := "States are exact."
	// Of the whole process a trace tells the states; without one, stacks are
	// sampled, and the states unknown.
	if p := t.Role(ledger.Process); p > 0 && (!l.Whole || t[ledger.Process][ledger.Unknown] == p) {
		s = "States of role process are sampled, not exact."
	}
	switch {
	case running == 0:
		return s
	case est.samples == 0:
		return s + " Functions on a CPU are only guessed: no CPU sample fell into the running time."
	}
	s += fmt.Sprintf(" Functions on a CPU are estimated from %d sample", est.samples)
	if est.samples > 1 {
		s += "s"
	}
	if est.effective > 0 {
		lo, hi := wilson(est.share, est.effective)
		s += fmt.Sprintf(": %s's %.0f%% of the running time means %.0f to %.0f%%", cutMiddle(shortName(clean(est.top)), 40), 100*est.share, 100*lo, 100*hi)
	}
	s += "."
	if est.guessed > 0 {
		s += " For " + duration(est.guessed) + " of running time there is no sample; its functions are only guessed."
	}
	return s
}

// wilson returns the 95 % confidence interval of a share p seen in n samples:
// Wilson's score interval, which unlike p ± 1.96 s stays within 0..1 and
// keeps its word for few samples and for shares near the ends (Wilson,
// Journal of the American Statistical Association 22, 1927).
func wilson(p, n float64) (lo, hi float64) {
	if n <= 0 {
		return 0, 1
	}
	const z = 1.959964
	mid := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(mid-half, 0), min(mid+half, 1)
}
