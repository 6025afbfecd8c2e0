package report

import (
	"time"

	"github.com/profscope/profscope/internal/ledger"
)

// States is time per state. Its fields add up to the time inside.
type States struct {
	Running, Runnable, Blocked, Syscall, Unknown time.Duration
}

// Total returns the sum of the states.
func (s States) Total() time.Duration {
	return s.Running + s.Runnable + s.Blocked + s.Syscall + s.Unknown
}

// Stats is what is known of one destination, or of one call, as values.
// All fields but CPU and, beyond the first 128 calls, the percentiles are
// exact. The zero Stats is that of no call.
type Stats struct {
	States          // of the goroutines that opened the scopes; sums to Elapsed
	Spawned, Joined States
	// Process is the time of all goroutines of the process, where those were
	// recorded and not a scope's own.
	Process States

	// Reasons is blocked time per reason, in the runtime's words ("sleep",
	// "chan receive", "sync", ...), of all roles.
	Reasons map[string]time.Duration
	// CPU is CPU samples times their period, of all roles: an estimate.
	CPU time.Duration

	Calls     int64 // every Start..stop
	Outermost int64 // without calls inside a call of the same goroutine
	// Elapsed is the sum over outermost calls; the rest is their distribution.
	Elapsed, Min, Mean, P50, P95, P99, Max, StdDev time.Duration
}

func statesOf(t *[ledger.NumStates]int64) States {
	d := func(s ledger.State) time.Duration { return time.Duration(t[s]) }
	return States{d(ledger.Running), d(ledger.Runnable), d(ledger.Blocked), d(ledger.Syscall), d(ledger.Unknown)}
}

// fill sets the fields that come from books.
func (s *Stats) fill(t *ledger.Stacks, books ...*ledger.Book) {
	var totals ledger.Totals
	s.Reasons = make(map[string]time.Duration)
	for _, b := range books {
		for _, e := range b.Entries() {
			totals[e.Role][e.State] += e.Nanos
			s.CPU += time.Duration(e.Samples) * ledger.SamplePeriod
			if e.State == ledger.Blocked && e.Nanos > 0 {
				s.Reasons[t.ReasonOf(e.Reason)] += time.Duration(e.Nanos)
			}
		}
	}
	s.States = statesOf(&totals[ledger.Self])
	s.Joined = statesOf(&totals[ledger.Joined])
	s.Spawned = statesOf(&totals[ledger.Spawned])
	s.Process = statesOf(&totals[ledger.Process])
}

// statsOf returns the stats of everything in l.
func statsOf(l *ledger.Ledger) Stats {
	var s Stats
	s.fill(l.Stacks, &l.Book, &l.Dropped)
	d := &l.Lengths
	s.Calls, s.Outermost = l.Calls, d.Count()+l.Open
	s.Elapsed = time.Duration(d.Sum())
	s.Min, s.Mean, s.Max = time.Duration(d.Min()), time.Duration(d.Mean()), time.Duration(d.Max())
	s.P50, s.P95, s.P99 = time.Duration(d.Percentile(50)), time.Duration(d.Percentile(95)), time.Duration(d.Percentile(99))
	s.StdDev = time.Duration(d.StdDev())
	return s
}
