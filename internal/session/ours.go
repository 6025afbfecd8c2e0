package session

import "runtime/trace"

// ours reports whether the trace.Start slot is still ours: somebody else may
// have called trace.Stop and then trace.Start, and to stop theirs would be worse
// than any lost profile.
//
// Whose it is can be seen by what came last. A trace that goes on writes the
// clocks of the next generation right after the end of one. One that is stopped,
// or goes on for others alone, has written an end before trace.Stop returns, and
// nothing after it. In the moment between the two a generation is forced, which
// must arrive at our writer; that costs the status of every goroutine.
func (r *recorder) ours() bool {
	if !trace.IsEnabled() {
		return false
	}
	if !r.q.atEnd.Load() {
		return true
	}
	before := r.q.written.Load()
	r.force()
	return r.q.written.Load() != before
}

// silent reports whether nothing has come since it was asked last, and what
// came before that was a generation's end.
func (r *recorder) silent() bool {
	n := r.q.written.Load()
	heard := n != r.heard
	r.heard = n
	return !heard && r.q.atEnd.Load()
}
