package session

import (
	"runtime/trace"
	"time"
)

// ours makes sure that the trace.Start slot is still ours, by a generation
// that must arrive at our writer: somebody else may have called trace.Stop and
// then trace.Start, and to stop theirs would be worse than any lost profile.
func (r *recorder) ours() bool {
	if !trace.IsEnabled() {
		return false
	}
	before := r.q.written.Load()
	r.force()
	return r.q.written.Load() != before
}

// A trace of ours may bring nothing for a while: a quiet program fills no
// buffer within a generation. Whose the trace is can then be asked at the price
// of a generation. That may be a two-hundredth of the time, and so it takes the
// longer to notice a trace that is not ours any more the more goroutines are
// parked; at most a bit more than any generation lasts (a second, or 2.1 with
// the longest traceadvanceperiod), for then bytes would have come by themselves.
const (
	leastSilence = 200 * time.Millisecond
	mostSilence  = 2500 * time.Millisecond
)

// silent reports whether nothing has come for so long that it is worth asking.
func (r *recorder) silent() bool {
	now := nanotime()
	if n := r.q.written.Load(); n != r.heard {
		r.heard, r.heardAt = n, now
	}
	return now-r.heardAt > min(max(200*r.advance.Load(), int64(leastSilence)), int64(mostSilence))
}
