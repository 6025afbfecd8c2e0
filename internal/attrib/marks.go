package attrib

import (
	"strconv"

	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// Log handles the marks of scope edges and of joins.
func (f *Fold) Log(e *wire.Log) {
	t := f.seen(e.Time)
	if !f.table.HasPrefix(e.Category, oursPrefix) {
		return
	}
	task := e.Task
	switch f.table.Text(e.Category) {
	case CategoryBegin:
		d := f.doors(task)
		if d == nil {
			return
		}
		f.end(task, t)
		if d.Whole {
			f.beginWhole(task, d, t)
			return
		}
		f.begin(task, d, f.running(e.On, t, e.At), t)
	case CategoryEnd:
		if g := f.gs.Get(e.On); g != nil && g.state == ledger.Running {
			f.mark(g, t, e.At)
		}
		f.end(task, t)
	case CategoryJoin:
		if c := f.open[task].call; c != nil {
			g := f.running(e.On, t, e.At)
			f.join(joinID(f.table.Text(e.Message)), c, g, t, g.stack)
			f.forget(g)
		}
	case CategoryLeave:
		f.part(joinID(f.table.Text(e.Message)), t)
	}
}

func joinID(message string) uint64 {
	id, _ := strconv.ParseUint(message, 10, 64) // 0 is never given out
	return id
}

// running returns the goroutine id, which runs at t and stands at that stack.
func (f *Fold) running(id, t int64, at wire.StackID) *goroutine {
	g := f.gs.Get(id)
	if g == nil {
		g = f.newG(id, ledger.Running, t)
		g.stack = f.intern(at)
		return g
	}
	g.stale = false
	f.mark(g, t, at)
	return g
}

// mark books g's running time up to t, when its stack is known.
func (f *Fold) mark(g *goroutine, t int64, stack wire.StackID) {
	at := f.intern(stack)
	f.book(g, t, at)
	if g.origin == originUnknown {
		g.began = at
		f.know(g, f.table.ForeignRoot(stack))
	}
	if g.state == ledger.Unknown {
		g.state, g.reason = ledger.Running, 0
	}
	if at != 0 {
		g.stack = at
	}
}

// join makes g a member of c, or adds to its part in it. floor is where it
// stands, 0 where that is not known.
func (f *Fold) join(id uint64, c *Call, g *goroutine, t int64, floor ledger.StackID) {
	if _, twice := f.joins[id]; twice || id == 0 {
		return
	}
	f.joins[id] = joined{g.id, c}
	c.joins = append(c.joins, id)
	if m := g.find(c); m != nil {
		t = f.book(g, t, 0)
		m.joins++
		f.lead(g, c.Door.Ledger, t)
		return
	}
	f.enter(g, member{call: c, joins: 1, floor: floor}, t)
}

func (f *Fold) part(id uint64, t int64) {
	j, ok := f.joins[id]
	if !ok {
		return
	}
	delete(f.joins, id)
	g := f.gs.Get(j.g)
	if g == nil {
		return
	}
	m := g.find(j.c)
	if m == nil || m.joins == 0 {
		return
	}
	t = f.book(g, t, 0)
	if m.joins--; m.joins == 0 && !m.hasOwn {
		j.c.drop(g)
		f.leave(g, j.c, t)
		return
	}
	f.lead(g, j.c.Door.Ledger, t)
}
