package format

import (
	"cmp"
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

	// example is a function whose time is told least well, and share its part,
	// 0..1, of the running time that has samples.
	example string
	share   float64

	running int64 // nanoseconds, of all roles
}

func sampled(s *ledger.Stacks, entries []ledger.Entry, guessed int64) estimate {
	est := estimate{guessed: guessed}
	var sum, squares float64
	shares := make(map[string]*share)
	of := func(name string) *share {
		sh := shares[name]
		if sh == nil {
			sh = &share{name: name}
			shares[name] = sh
		}
		return sh
	}
	for i := range entries {
		e := &entries[i]
		if e.State != ledger.Running {
			continue
		}
		est.running += e.Nanos
		if e.Samples == 0 {
			continue
		}
		est.samples += e.Samples
		sum += float64(e.Nanos)
		squares += float64(e.Nanos) * float64(e.Nanos) / float64(e.Samples)
		if e.Stack == 0 {
			of(noStack).flat += e.Nanos
			continue
		}
		of(s.FrameOf(s.Leaf(e.Stack)).Func).flat += e.Nanos
		for at := e.Stack; at != 0; at = s.Parent(at) {
			if sh := of(s.FrameOf(s.Leaf(at)).Func); sh.entry != i+1 { // recursion counts once
				sh.entry = i + 1
				sh.cum += e.Nanos
			}
		}
	}
	var example *share
	for _, sh := range shares {
		if example == nil || sh.before(example, sum) {
			example = sh
		}
	}
	if example != nil {
		est.example, est.share = example.name, float64(example.cum)/sum
	}
	if squares > 0 {
		est.effective = sum * sum / squares
	}
	return est
}

// share is the running time of a function, in nanoseconds.
type share struct {
	name      string
	flat, cum int64
	entry     int // the one that was added last, counted from 1
}

// before prefers the share that is nearest to a half, where the same number of
// samples tells least: that all ran below main is no news. Of functions with
// as much, the one that ran longest itself.
func (s *share) before(o *share, sum float64) bool {
	off := func(s *share) float64 { return math.Abs(float64(s.cum)/sum - 0.5) }
	if d := off(s) - off(o); d != 0 {
		return d < 0
	}
	return cmp.Or(cmp.Compare(o.flat, s.flat), cmp.Compare(s.name, o.name)) < 0
}

// short reports whether samples stand for far less time than was running, by
// more than chance leaves out: less than a half, and four standard deviations
// less, of a number of samples that is Poisson distributed.
func (est estimate) short() bool {
	want := float64(est.running) / float64(ledger.SamplePeriod)
	got := float64(est.samples)
	return got < want/2 && want-got > 4*math.Sqrt(want)
}

// sentence says what may be read out of the numbers and what may not.
func (est estimate) sentence(l *ledger.Ledger) string {
	t := l.Book.Totals()
	s := "States are exact."
	// Of the whole process a trace tells the states; without one, stacks are
	// sampled, and the states unknown.
	if p := t.Role(ledger.Process); p > 0 && (!l.Whole || t[ledger.Process][ledger.Unknown] == p) {
		s = "States of role process are sampled, not exact."
	}
	switch {
	case est.running == 0:
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
		s += fmt.Sprintf(": %s's %.0f%% of the running time means %.0f to %.0f%%", cutMiddle(shortName(clean(est.example)), 40), 100*est.share, 100*lo, 100*hi)
	}
	s += "."
	if est.short() {
		s += " These stand for " + duration(est.samples*int64(ledger.SamplePeriod)) + " of " + duration(est.running) +
			" of running time: in the rest the system gave no core, or there was no CPU profile."
	}
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
