package session

import (
	"context"
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

const lostJoinNote = "A goroutine joined while no execution trace of ours showed it: its time is missing."

// Join makes the calling goroutine a member of ctx's scope until the function
// that it returns is called, on whichever goroutine. Without an open scope in
// ctx it does nothing. A second leave does nothing.
//
// No lock keeps the scope open meanwhile: its end waits for nobody. So it is looked
// at again after the mark, when its slot may have become another scope's, of which
// the goroutine is no member.
func Join(ctx context.Context) (leave func()) {
	var sc Scope
	ok := false
	if ctx != nil {
		sc, ok = ctx.Value(scopeKey{}).(Scope)
	}
	if !ok || !sc.isOpen() {
		return func() {}
	}
	s, id := sc.s, joinIDs.Add(1)
	if !mark(s.ctx, report.CategoryJoin, strconv.FormatUint(id, 10)) {
		rec.side.join(s.task, id, &s.door.askedToJoin)
	}
	s.joins.add(id, sc.turn) // after the mark: who finds it here finds its mark too
	var left atomic.Bool
	leave = func() {
		if left.Swap(true) {
			return
		}
		s.joins.drop(id)
		if !mark(s.ctx, report.CategoryLeave, strconv.FormatUint(id, 10)) {
			rec.side.leave(id)
		}
	}
	if !sc.isOpen() {
		leave()
	}
	return leave
}

// joinSet is the joins of a slot's scopes that have not been left, with the turn
// of each: a worker may leave after its request has ended, and the slot is in use
// again. The zero value is ready.
type joinSet struct {
	mu  sync.Mutex
	ids map[uint64]uint32
}

func (j *joinSet) add(id uint64, turn uint32) {
	j.mu.Lock()
	if j.ids == nil {
		j.ids = make(map[uint64]uint32)
	}
	j.ids[id] = turn
	j.mu.Unlock()
}

func (j *joinSet) drop(id uint64) {
	j.mu.Lock()
	delete(j.ids, id)
	j.mu.Unlock()
}
