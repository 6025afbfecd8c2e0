package attrib

import (
	"math"

	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// A recording can end while scopes are open: somebody else stops the tracer,
// or too much came to keep up with. Scopes go on; what their members did
// meanwhile is unknown; and edges that fall into the gap come from the door
// itself, with the time of the same clock.

// Gap ends the current trace at t, or at its last event if that is later.
// Until the next trace tells otherwise every member's state is unknown.
func (f *Fold) Gap(t int64) {
	f.now = max(f.now, t)
	for _, g := range f.gs.All() {
		f.book(g, f.now, 0)
		g.state, g.reason, g.assist, g.stale = ledger.Unknown, 0, false, true
	}
	f.gen, f.first, f.fresh = 0, math.MaxInt64, false // until the next begins
}

// resume takes the first that a trace after a gap tells of g, as meet does of a
// goroutine that is new: it has been in that state since the trace began.
func (f *Fold) resume(g *goroutine, e *wire.Transition, t int64) {
	g.stale = false
	state, stack, ok := f.before(e)
	if !ok {
		return
	}
	t = f.book(g, min(f.first, t), 0)
	g.state, g.reason, g.blocked = state, 0, t
	switch {
	case stack != 0:
		g.stack = stack
	case state != ledger.Running: // and where it stood before the gap is no place for that
		g.stack = f.highestFloor(g)
	}
}

// before returns the state of a goroutine of which nothing has been heard in this
// trace, before e, and its stack if e has it. A status tells of the state itself.
func (f *Fold) before(e *wire.Transition) (state ledger.State, stack ledger.StackID, ok bool) {
	from := e.From
	if from == wire.Undetermined {
		from = e.To
	}
	if e.Own != 0 && (from == e.To || from == wire.Running) {
		stack = f.intern(e.Own)
	}
	state, ok = stateOf(from)
	return state, stack, ok
}

// reap drops the members that the first whole generation after a gap does not
// know: they ended in the gap. Openers stay, their call has yet to end.
func (f *Fold) reap() {
	for _, g := range f.gs.All() {
		if g.stale {
			f.exit(g, f.now)
		}
	}
}

// BeginAt opens a scope, on the goroutine of that id, unless a trace has shown
// its begin.
func (f *Fold) BeginAt(task uint64, id, t int64) {
	d := f.doors(task)
	if _, known := f.open[task]; known || d == nil {
		return
	}
	t = f.at(t)
	if d.Whole {
		f.beginWhole(task, d, t)
		return
	}
	g := f.gs.Get(id)
	if g == nil {
		g = f.newG(id, ledger.Unknown, t)
	}
	f.begin(task, d, g, t)
}

// EndAt closes a scope whose end no trace shows.
func (f *Fold) EndAt(task uint64, t int64) { f.end(task, f.at(t)) }

// JoinAt lets the goroutine of that id join a scope that is open, unless a
// trace has shown it. Should the goroutine end in the gap, the next trace does not
// know it, and it is dropped.
func (f *Fold) JoinAt(task, join uint64, id, t int64) {
	c := f.open[task].call
	if _, known := f.joins[join]; known || c == nil {
		return
	}
	t = f.at(t)
	g := f.gs.Get(id)
	if g == nil {
		g = f.newG(id, ledger.Unknown, t)
		g.stale = id >= 0 // of nobody the next trace tells nothing
	}
	f.join(join, c, g, t, 0)
	f.forget(g)
}

// LeaveAt ends a join where no trace shows it.
func (f *Fold) LeaveAt(join uint64, t int64) { f.part(join, f.at(t)) }

// OpenJoins returns the joins that have not been left.
func (f *Fold) OpenJoins() map[uint64]bool {
	joins := make(map[uint64]bool, len(f.joins))
	for id := range f.joins {
		joins[id] = true
	}
	return joins
}

// seen takes the time of an event on a thread, which is told as it is: it may
// be older than the last one of another thread. See book.
func (f *Fold) seen(t int64) int64 {
	f.at(t)
	return t
}

// at keeps time from running backwards: the trace's clock is coarser than
// the door's, and the door's may be ahead of what a new trace has yet to
// deliver. A call of negative length would be kept by nobody.
func (f *Fold) at(t int64) int64 {
	f.now = max(f.now, t)
	if f.fresh {
		f.fresh, f.first = false, f.now
	}
	return f.now
}
