package convert

import (
	"slices"

	"github.com/profscope/profscope/internal/ledger"
)

// LeaveOut takes from the sums of a Go trace the time of stacks that have one of
// the functions, and returns how many nanoseconds that was. It is what a server
// did for who recorded it, who knows which functions that are.
func (in *Input) LeaveOut(functions ...string) (nanos int64) {
	if in.Trace == nil {
		return 0
	}
	l := in.Trace.Whole
	var left ledger.Book
	for _, e := range l.Book.Entries() {
		if !hasOne(l.Stacks, e.Stack, functions) {
			left.Put(e)
			continue
		}
		l.Inside[e.Role] -= e.Nanos
		nanos += e.Nanos
	}
	l.Book = left
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
