package session

import (
	"context"
	"runtime/trace"
	"strconv"
	"sync"
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

const lostJoinNote = "A goroutine joined while somebody else had ended our execution trace: its time is missing."

// Join makes the calling goroutine a member of ctx's scope until the function
// that it returns is called, on whichever goroutine. Without an open scope in
// ctx it does nothing. A second leave does nothing.
func Join(ctx context.Context) (leave func()) {
	sc, ok := ctx.Value(scopeKey{}).(Scope)
	if !ok || sc.s.turn.Load() != sc.turn {
		return func() {}
	}
	s, id := sc.s, joinIDs.Add(1)
	if marked() {
		trace.Log(s.ctx, report.CategoryJoin, strconv.FormatUint(id, 10))
	} else {
		rec.side.join(s.task, id)
	}
	s.joins.add(id) // after the mark: who finds it here finds its mark too
	var left atomic.Bool
	return func() {
		if left.Swap(true) {
			return
		}
		s.joins.drop(id)
		if marked() {
			trace.Log(s.ctx, report.CategoryLeave, strconv.FormatUint(id, 10))
		} else {
			rec.side.leave(id)
		}
	}
}

// marked reports whether the trace takes marks now. One that somebody else has
// ended is restarted first.
func marked() bool {
	w := word.Load()
	if w&sideBit == 0 && !trace.IsEnabled() {
		rec.watch()
		w = word.Load()
	}
	return w&sideBit == 0
}

// joinSet is the joins of a scope that have not been left. The zero value is
// ready.
type joinSet struct {
	mu  sync.Mutex
	ids map[uint64]struct{}
}

func (j *joinSet) add(id uint64) {
	j.mu.Lock()
	if j.ids == nil {
		j.ids = make(map[uint64]struct{})
	}
	j.ids[id] = struct{}{}
	j.mu.Unlock()
}

func (j *joinSet) drop(id uint64) {
	j.mu.Lock()
	delete(j.ids, id)
	j.mu.Unlock()
}
