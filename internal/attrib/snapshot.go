package attrib

import (
	"slices"

	"github.com/profscope/profscope/internal/ledger"
)

// Sync books the open spans of all members up to the last event, so that
// what [Fold.AddOpen] adds is complete up to that moment.
func (f *Fold) Sync() {
	for _, g := range f.gs {
		f.book(g, f.now, 0)
		for i := range g.members {
			if m := &g.members[i]; m.lead {
				m.call.Inside[m.leadRole] += f.now - m.leadSince
				m.leadSince = f.now
			}
		}
	}
}

// AddOpen adds to l, a copy of src, what the open calls of src have booked
// so far. Call [Fold.Sync] first. A call that SlowerThan would drop if it
// ended now is left out.
func (f *Fold) AddOpen(l, src *ledger.Ledger) {
	for _, c := range f.openCalls() {
		if c.Door.Ledger != src {
			continue
		}
		l.Open++
		l.Unfinished = true
		l.Calls += c.Calls
		c.addTo(l, f.now-c.Begin)
	}
}

// openCalls returns the outermost calls that are open, in the order of their
// beginnings.
func (f *Fold) openCalls() []*Call {
	cs := slices.Clone(f.whole)
	for task, s := range f.open {
		if s.call.open[0] == task {
			cs = append(cs, s.call)
		}
	}
	slices.SortFunc(cs, func(a, b *Call) int { return int(a.Begin - b.Begin) })
	return cs
}
