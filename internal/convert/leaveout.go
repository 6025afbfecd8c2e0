package convert

import (
	"slices"

	"github.com/profscope/profscope/internal/ledger"
)

// LeaveOut takes from the sums of a Go trace the time of stacks that have one of
// the functions, and returns how many nanoseconds that was. It is what a server
// did for who recorded it, who knows which functions that are. If the trace was
// opened with them as Options.Serving, it takes the time of their goroutines of
// which no stack is known, too.
func (in *Input) LeaveOut(functions ...string) (nanos int64) {
	if in.Trace == nil {
		return 0
	}
	l := in.Trace.Whole
	var left ledger.Book
	unplaced := make(map[ledger.Key]ledger.Entry)
	for _, e := range in.Trace.Unplaced.Entries() {
		unplaced[e.Key] = e
	}
	in.Trace.Unplaced = ledger.Book{}
	for _, e := range l.Book.Entries() {
		if !hasOne(l.Stacks, e.Stack, functions) {
			k := e.Key
			k.Class = 0 // the whole process is one call
			u := unplaced[k]
			delete(unplaced, k)
			l.Inside[e.Role] -= u.Nanos
			nanos += u.Nanos
			e.Nanos, e.Spans = e.Nanos-u.Nanos, e.Spans-u.Spans
			if e.Nanos > 0 || e.Samples > 0 {
				left.Put(e)
			}
			continue
		}
		l.Inside[e.Role] -= e.Nanos
		nanos += e.Nanos
	}
	l.Book = left
	return nanos
}

// NoStack returns the nanoseconds of a Go trace of which no stack is known.
func (in *Input) NoStack() (nanos int64) {
	for _, e := range in.Trace.Whole.Book.Entries() {
		if e.Stack == 0 {
			nanos += e.Nanos
		}
	}
	return nanos
}

func hasOne(t *ledger.Stacks, at ledger.StackID, functions []string) bool {
	for ; at != 0; at = t.Parent(at) {
		if slices.Contains(functions, t.FrameOf(t.Leaf(at)).Func) {
			return true
		}
	}
	return false
}
