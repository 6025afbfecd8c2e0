package attrib

import "github.com/profscope/profscope/internal/ledger"

// Restart has every open call begin anew at t, with the members that it has
// then: what it was given before is forgotten. It is how a window of a trace is
// read: who is a member of what at its begin is known only to who followed the
// scopes that were opened before. What has been added to a ledger by calls that
// ended is the caller's to forget.
func (f *Fold) Restart(t int64) {
	t = f.at(t)
	for _, g := range f.sorted() {
		f.book(g, t, 0)
	}
	for _, c := range f.openCalls(nil) {
		c.Book.Reset()
		c.Restarted, c.Begin, c.Calls, c.Outside = true, t, max(1, int64(len(c.open))), 0
		c.Goroutines, c.Inside = [ledger.NumRoles]int64{}, [ledger.NumRoles]int64{}
		if c.opener != nil {
			c.Begin = c.opener.since // later than t where that is a goroutine's own time
		}
		for _, g := range c.gs {
			m := g.find(c)
			m.since, m.leadSince, m.seen = g.since, g.since, [ledger.NumRoles]bool{}
			if m.lead {
				m.seen[m.leadRole] = true
				c.Goroutines[m.leadRole]++
			}
		}
	}
}
