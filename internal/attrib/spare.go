package attrib

import "github.com/profscope/profscope/internal/ledger"

// A hot function opens and closes a call a hundred thousand times a second:
// goroutines and calls are used again.

func (f *Fold) newG(id int64, s ledger.State, t int64) *goroutine {
	var g *goroutine
	if n := len(f.spareG); n > 0 {
		g, f.spareG = f.spareG[n-1], f.spareG[:n-1]
		*g = goroutine{members: g.members[:0]}
	} else {
		g = new(goroutine)
	}
	g.id, g.state, g.since = id, s, t
	f.gs.Put(id, g)
	return g
}

// forget drops a goroutine that is no member of anything, unless all are
// followed.
func (f *Fold) forget(g *goroutine) {
	if len(g.members) == 0 && !f.wide() {
		f.remove(g)
	}
}

// remove drops a goroutine, once.
func (f *Fold) remove(g *goroutine) {
	if f.gs.Get(g.id) == g {
		f.gs.Delete(g.id)
		f.freeG(g)
	}
}

const maxSpare = 1024

// maxSpareParts is how many members, or goroutines, a spare one has room for: one
// that was a member of hundreds of calls at once would hold that for ever.
const maxSpareParts = 16

func (f *Fold) freeG(g *goroutine) {
	if cap(g.members) > maxSpareParts {
		g.members = nil
	}
	if len(f.spareG) < maxSpare {
		f.spareG = append(f.spareG, g)
	}
}

func (f *Fold) newCall() *Call {
	n := len(f.spareC)
	if n == 0 {
		return new(Call)
	}
	c := f.spareC[n-1]
	f.spareC = f.spareC[:n-1]
	return c
}

func (f *Fold) freeCall(c *Call) {
	if len(f.spareC) >= maxSpare || f.Spans != nil {
		return
	}
	book, open, gs, joins := c.Book, c.open[:0], c.gs[:0], c.joins[:0]
	if cap(gs) > maxSpareParts {
		gs = nil
	}
	book.Reset()
	*c = Call{Book: book, open: open, gs: gs, joins: joins}
	f.spareC = append(f.spareC, c)
}
