package cprofile

import (
	"time"

	"github.com/profscope/profscope/internal/session"
)

// States is time per state of goroutines, exact to the nanosecond. The zero
// States is no time.
type States struct {
	Running  time.Duration // holding a processor (more than CPU time where the system gives it no core)
	Runnable time.Duration // ready, waiting for a processor
	Blocked  time.Duration // waiting for something: see Stats.Reasons
	Syscall  time.Duration // in a system call
	Unknown  time.Duration // the recording tells nothing
}

// Total returns the sum of the states: the time inside.
func (s States) Total() time.Duration {
	return s.Running + s.Runnable + s.Blocked + s.Syscall + s.Unknown
}

// Stats is what is known of a destination, or of one call, as values: see
// [Profile.Stats] and [OnCall]. All is exact but CPU and, beyond the first 128
// calls, the percentiles. The zero Stats is that of no call.
type Stats struct {
	// States is the time of the goroutines that opened the scopes. It adds up to
	// Elapsed, plus the time so far of calls that are still going on.
	States

	Spawned States // of goroutines that members started
	Joined  States // of goroutines that took part by context.Join
	Process States // of all goroutines, where no trace was to be had and they were sampled

	// Reasons is blocked time per reason, in the runtime's words ("sleep",
	// "chan receive", "sync", ...), of all of the above.
	Reasons map[string]time.Duration
	// CPU is CPU samples times their period, of all of the above: an estimate.
	CPU time.Duration

	Calls     int64 // how often a scope was opened
	Outermost int64 // of these, not inside another of the same goroutine

	// Elapsed is the time from begin to end of all outermost calls that have
	// ended; the others are their distribution.
	Elapsed, Min, Mean, P50, P95, P99, Max, StdDev time.Duration
}

func statsOf(s session.Stats) Stats {
	return Stats{
		States: States(s.States), Spawned: States(s.Spawned), Joined: States(s.Joined), Process: States(s.Process),
		Reasons: s.Reasons, CPU: s.CPU,
		Calls: s.Calls, Outermost: s.Outermost,
		Elapsed: s.Elapsed, Min: s.Min, Mean: s.Mean, P50: s.P50, P95: s.P95, P99: s.P99, Max: s.Max, StdDev: s.StdDev,
	}
}
