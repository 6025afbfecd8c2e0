package session

import (
	"context"
	"runtime/trace"
)

// mark marks an edge of a scope or a join in the trace, and reports whether it
// is there for certain. If not, it is for the side list, maybe as well: the
// engine takes each edge once.
func mark(ctx context.Context, category, message string) bool {
	if !traced() {
		return false
	}
	trace.Log(ctx, category, message)
	return word.Load()&sideBit == 0 // or it may have been paused just before
}

// traced reports whether the trace takes marks.
func traced() bool {
	if word.Load()&sideBit == 0 && !trace.IsEnabled() {
		rec.regain()
	}
	return word.Load()&sideBit == 0
}
