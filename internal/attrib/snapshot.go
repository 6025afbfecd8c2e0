package attrib

import (
	"cmp"
	"slices"

	"github.com/profscope/profscope/internal/ledger"
)

// Sync books what all goroutines have done up to the last event, in the order
// of their ids: who draws the spans draws them in an order.
func (f *Fold) Sync() {
	for _, g := range f.sorted() {
		f.sync(g)
	}
}

// AddOpen adds to l, a copy of src, what the open calls of src have booked up
// to the last event. A call that SlowerThan
// would drop if it ended now adds no time.
//
// Only the members of those calls are looked at: with a thousand scopes open,
// a thousand files are written in a row.
func (f *Fold) AddOpen(l, src *ledger.Ledger) {
	calls := f.openCalls(src)
	for _, c := range calls {
		for _, g := range c.gs {
			f.sync(g)
		}
	}
	for _, c := range calls {
		l.Open++
		l.Unfinished = true
		l.Calls += c.Calls
		c.addTo(l, f.now-c.Begin)
	}
}

// Opened reports whether a call with the destination l is open.
func (f *Fold) Opened(l *ledger.Ledger) bool {
	for _, c := range f.whole {
		if c.Door.Ledger == l {
			return true
		}
	}
	for _, s := range f.open {
		if s.call.Door.Ledger == l {
			return true
		}
	}
	return false
}

// sync books what g has done up to the last event.
func (f *Fold) sync(g *goroutine) {
	f.book(g, f.now, 0)
	for i := range g.members {
		if m := &g.members[i]; m.lead {
			m.call.Inside[m.leadRole] += f.now - m.leadSince
			m.leadSince = f.now
		}
	}
}

// openCalls returns the outermost calls of a ledger, or all for nil, that are
// open, in the order of their beginnings.
func (f *Fold) openCalls(l *ledger.Ledger) []*Call {
	var cs []*Call
	for _, c := range f.whole {
		if l == nil || c.Door.Ledger == l {
			cs = append(cs, c)
		}
	}
	for task, s := range f.open {
		if !s.door.Whole && (l == nil || s.call.Door.Ledger == l) && s.call.open[0] == task {
			cs = append(cs, s.call)
		}
	}
	slices.SortFunc(cs, func(a, b *Call) int { return cmp.Compare(a.Begin, b.Begin) })
	return cs
}
