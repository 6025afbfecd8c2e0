package attrib

import (
	"strconv"

	"github.com/profscope/profscope/internal/ledger"
	"golang.org/x/exp/trace"
)

// log handles the marks of scope edges and of joins.
func (f *Fold) log(e *trace.Event) {
	lg := e.Log()
	if len(lg.Category) < len("profscope.") || lg.Category[:len("profscope.")] != "profscope." {
		return
	}
	task, t := uint64(lg.Task), f.now
	switch lg.Category {
	case CategoryBegin:
		d := f.doors(task)
		if d == nil {
			return
		}
		f.end(task, t)
		f.begin(task, d, f.running(e), t)
	case CategoryEnd:
		if g := f.gs[int64(e.Goroutine())]; g != nil && g.state == ledger.Running {
			f.mark(g, e)
		}
		f.end(task, t)
	case CategoryJoin:
		if c := f.open[task].call; c != nil {
			g := f.running(e)
			f.join(joinID(lg.Message), c, g, t)
			f.forget(g)
		}
	case CategoryLeave:
		f.part(joinID(lg.Message), t)
	}
}

func joinID(message string) uint64 {
	id, _ := strconv.ParseUint(message, 10, 64) // 0 is never given out
	return id
}

// running returns the goroutine that wrote the event e, which runs.
func (f *Fold) running(e *trace.Event) *goroutine {
	id := int64(e.Goroutine())
	g := f.gs[id]
	if g == nil {
		g = f.newG(id, ledger.Running, f.now)
		g.stack = f.intern(e.Stack())
		return g
	}
	g.stale = false
	f.mark(g, e)
	return g
}

// mark books g's running time up to e, whose stack is known.
func (f *Fold) mark(g *goroutine, e *trace.Event) {
	at := f.intern(e.Stack())
	f.book(g, f.now, at)
	if g.origin == originUnknown {
		f.know(g, at)
	}
	if g.state == ledger.Unknown {
		g.state, g.reason = ledger.Running, 0
	}
	if at != 0 {
		g.stack = at
	}
}

func (f *Fold) join(id uint64, c *Call, g *goroutine, t int64) {
	if _, twice := f.joins[id]; twice || id == 0 {
		return
	}
	f.joins[id] = joined{g.id, c}
	c.joins = append(c.joins, id)
	if m := g.find(c); m != nil {
		f.book(g, t, 0)
		m.joins++
		f.lead(g, c.Door.Ledger, t)
		return
	}
	f.enter(g, member{call: c, joins: 1}, t)
}

func (f *Fold) part(id uint64, t int64) {
	j, ok := f.joins[id]
	if !ok {
		return
	}
	delete(f.joins, id)
	g := f.gs[j.g]
	if g == nil {
		return
	}
	m := g.find(j.c)
	if m == nil || m.joins == 0 {
		return
	}
	f.book(g, t, 0)
	if m.joins--; m.joins == 0 && !m.hasOwn {
		j.c.drop(g)
		f.leave(g, j.c, t)
		return
	}
	f.lead(g, j.c.Door.Ledger, t)
}
