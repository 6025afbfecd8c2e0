package session

import (
	"context"
	"runtime/trace"
	"strconv"
	"sync/atomic"

	"github.com/profscope/profscope/internal/report"
)

type scopeKey struct{}

// Attach returns a context that carries the scope, for Join.
func (sc Scope) Attach(ctx context.Context) context.Context {
	if sc.s == nil || sc.s.dest == nil {
		return ctx
	}
	return context.WithValue(ctx, scopeKey{}, sc)
}

var joinIDs atomic.Uint64

// Join makes the calling goroutine a member of ctx's scope until the function
// that it returns is called, on whichever goroutine. Without an open scope in
// ctx it does nothing. A second leave does nothing.
func Join(ctx context.Context) (leave func()) {
	sc, ok := ctx.Value(scopeKey{}).(Scope)
	if !ok || sc.s.turn.Load() != sc.turn || !trace.IsEnabled() {
		return func() {}
	}
	id := strconv.FormatUint(joinIDs.Add(1), 10)
	trace.Log(sc.s.ctx, report.CategoryJoin, id)
	var left atomic.Bool
	return func() {
		if !left.Swap(true) {
			trace.Log(sc.s.ctx, report.CategoryLeave, id)
		}
	}
}
