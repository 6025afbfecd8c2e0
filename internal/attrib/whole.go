package attrib

import (
	"cmp"
	"slices"

	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// A call of the whole process has all goroutines as members, but for those of
// the runtime and of profscope. A goroutine that was there before the trace
// has no creation in it, and which function it began with is seen only when an
// event has its stack. Until then it is kept apart: its spans wait in pending,
// and are either booked from its first moment on or forgotten.

type origin uint8

const (
	originUser origin = iota
	originUnknown
	originForeign
)

type pendingSpan struct {
	begin, end int64
	stack      ledger.StackID
	reason     ledger.ReasonID
	state      ledger.State
}

// BeginWhole opens a call of the whole process at t. Goroutines that the fold
// has not met yet come in when they are met.
func (f *Fold) BeginWhole(d *Door, t int64) *Call {
	t = f.at(t)
	c := f.newCall()
	c.Door, c.Begin, c.Calls = d, t, 1
	for _, g := range f.sorted() {
		if g.origin == originUser {
			f.enter(g, member{call: c, own: ledger.Process, hasOwn: true}, t)
		}
	}
	f.whole = append(f.whole, c)
	return c
}

// EndWhole closes a call that BeginWhole opened, and adds it to its ledger.
func (f *Fold) EndWhole(c *Call, t int64) {
	i := slices.Index(f.whole, c)
	if i < 0 {
		return
	}
	t = f.at(t)
	if len(f.whole) == 1 && f.following == 0 {
		for _, g := range f.sorted() {
			if g.origin == originUnknown { // it never said who it is
				f.know(g, false)
			}
		}
	}
	f.whole = slices.Delete(f.whole, i, i+1)
	c.End = t
	for _, g := range c.gs {
		f.leave(g, c, t)
	}
	clear(c.gs)
	c.gs = c.gs[:0]
	f.narrow()
	if c.Door.Done != nil {
		c.Door.Done(c)
	}
	l := c.Door.Ledger
	l.Calls++
	l.Lengths.Record(c.Elapsed())
	c.addTo(l, c.Elapsed())
}

// wide reports whether all goroutines are followed, not members alone.
func (f *Fold) wide() bool { return f.following > 0 || len(f.whole) > 0 }

// Follow has all goroutines followed before a call of the whole process is
// opened, as often as Unfollow is not called: so that it is known at its begin
// what each is doing.
func (f *Fold) Follow() { f.following++ }

// Unfollow ends Follow.
func (f *Fold) Unfollow() {
	f.following--
	f.narrow()
}

// narrow forgets goroutines that nobody asks for any more.
func (f *Fold) narrow() {
	if f.wide() {
		return
	}
	for _, g := range f.gs.All() {
		f.forget(g)
	}
}

// beginWhole opens a scope of the whole process.
func (f *Fold) beginWhole(task uint64, d *Door, t int64) {
	c := f.BeginWhole(d, t)
	c.open = append(c.open, task)
	f.open[task] = scope{c, d}
}

// sorted returns the goroutines known, by id: the same trace shall give the
// same bytes.
func (f *Fold) sorted() []*goroutine {
	gs := f.gs.All()
	slices.SortFunc(gs, func(a, b *goroutine) int { return cmp.Compare(a.id, b.id) })
	return gs
}

// meet makes the acquaintance of a goroutine that was there before. Nothing has
// been heard of it, so it has been in that state since the trace began; of one
// whose state was not determined until now, the status tells it.
func (f *Fold) meet(e *wire.Transition) *goroutine {
	state, stack, _ := f.before(e)
	g := f.newG(e.Goroutine, state, min(f.first, f.now))
	g.origin = originUnknown
	if stack != 0 {
		g.stack = stack
		f.know(g, f.table.ForeignRoot(e.Own))
	}
	return g
}

// hear takes what an event says of the goroutine that it happened on: one that
// wakes another, and is gone without having waited itself, has no other stack.
// So ends the goroutine that writes a CPU profile, which waits in a system call.
func (f *Fold) hear(on int64, at wire.StackID) {
	if g := f.gs.Get(on); g != nil && g.origin == originUnknown {
		g.began = f.intern(at)
		f.know(g, f.table.ForeignRoot(at))
	}
}

// know decides about a goroutine of unknown origin, by a stack of it. One
// that tells nothing leaves the benefit of the doubt.
func (f *Fold) know(g *goroutine, foreign bool) {
	pending := g.pending
	g.pending = nil
	if foreign {
		g.origin = originForeign
		return
	}
	g.origin = originUser
	state, reason, since := g.state, g.reason, g.since
	if len(pending) > 0 {
		since = pending[0].begin
	}
	// Not enterWhole: what is pending is booked below, and only there.
	for _, c := range f.whole {
		f.admit(g, member{call: c, own: ledger.Process, hasOwn: true}, max(since, c.Begin))
	}
	since = g.since
	for _, p := range pending {
		g.state, g.reason = p.state, p.reason
		f.spread(g, p.begin, p.end, p.stack)
	}
	g.state, g.reason, g.since = state, reason, since
}

func (f *Fold) enterWhole(g *goroutine, t int64) {
	for _, c := range f.whole {
		f.enter(g, member{call: c, own: ledger.Process, hasOwn: true}, max(t, c.Begin))
	}
}
