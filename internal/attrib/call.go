package attrib

import (
	"slices"

	"github.com/profscope/profscope/internal/ledger"
)

// Door is what the fold must know of the scopes that carry one task id.
type Door struct {
	// Ledger is the destination's ledger, where the scopes add up.
	Ledger *ledger.Ledger
	// SlowerThan keeps a call's time only if it lasted at least this many
	// nanoseconds; 0 keeps all.
	SlowerThan int64
	// Whole makes its scopes calls of the whole process; see whole.go.
	Whole bool
	// Unstitched leaves a spawned goroutine's stacks as they are.
	Unstitched bool
	// Done, if set, is given each outermost call at its end, before it is
	// merged. It must not keep what it is given.
	Done func(*Call)
	// Ended, if set, is called at the end of each scope of the door.
	Ended func()
}

// Doors finds the door of a task id, nil for a task that is not ours.
type Doors func(task uint64) *Door

// Call is an outermost call: from the first begin to the last end of the
// scopes of one destination that overlap on one goroutine.
//
// Counting begins and ends, instead of nesting them, makes recursion
// (f calling f), overlapping scopes and an end on another goroutine one case.
type Call struct {
	Door       *Door
	Begin, End int64 // nanoseconds of the trace's clock
	Calls      int64 // with the recursive ones
	Book       ledger.Book
	Goroutines [ledger.NumRoles]int64
	Inside     [ledger.NumRoles]int64
	Outside    int64 // blocked until a goroutine that is no member woke us
	Restarted  bool  // it began before Begin; see restart.go

	opener *goroutine
	open   []uint64 // tasks begun and not ended
	joins  []uint64 // joins that may still be left
	gs     []*goroutine
}

// Elapsed returns the call's length in nanoseconds.
func (c *Call) Elapsed() int64 { return c.End - c.Begin }

// scope is one begin that has not ended.
type scope struct {
	call *Call
	door *Door
}

// member is one goroutine's part in one call.
type member struct {
	call *Call
	// own is the goroutine's role without joins; hasOwn is false for one
	// that only joined and is out when it leaves.
	own    ledger.Role
	hasOwn bool
	joins  int
	since  int64

	// prefix is the stack under which a spawned goroutine's stacks hang, hop
	// the creator's own part of it, to tell a goroutine that starts its own
	// successor for ever.
	prefix, hop ledger.StackID

	// floor is a stack that the goroutine has not left; see torn.go.
	floor ledger.StackID

	// lead: of the memberships with one destination this is the one that
	// the goroutine's time is booked to, from leadSince on.
	lead      bool
	leadSince int64
	leadRole  ledger.Role
	seen      [ledger.NumRoles]bool // counted in Goroutines

	place int // index in call.gs
}

func (m *member) role() ledger.Role {
	if m.hasOwn && (m.own == ledger.Self || m.joins == 0) {
		return m.own
	}
	return ledger.Joined
}

// goroutine is the fold's view of a member.
type goroutine struct {
	id      int64
	state   ledger.State
	since   int64
	blocked int64 // when it stopped running or syscalling
	reason  ledger.ReasonID
	// stack is where the goroutine blocked, entered the system call or was
	// preempted; while it runs, the last stack known.
	stack   ledger.StackID
	assist  bool
	stale   bool // not seen since the last gap
	members []member

	// Only while a call of the whole process is open; see whole.go.
	origin  origin
	pending []pendingSpan
	began   ledger.StackID // the first stack seen of one that was there before
}

func (g *goroutine) find(c *Call) *member {
	for i := range g.members {
		if g.members[i].call == c {
			return &g.members[i]
		}
	}
	return nil
}

// lead decides which of g's memberships with the destination l its time is
// booked to from t on: the one of the lowest role, the earliest where roles
// are equal. Together with setLead it is the only place that measures time
// inside, and it never looks at states.
func (f *Fold) lead(g *goroutine, l *ledger.Ledger, t int64) {
	best := -1
	for i := range g.members {
		if m := &g.members[i]; m.call.Door.Ledger == l && (best < 0 || m.role() < g.members[best].role()) {
			best = i
		}
	}
	for i := range g.members {
		if m := &g.members[i]; m.call.Door.Ledger == l {
			f.setLead(m, i == best, t)
		}
	}
}

func (f *Fold) setLead(m *member, lead bool, t int64) {
	role := m.role()
	if m.lead == lead && m.leadRole == role {
		return
	}
	if m.lead {
		m.call.Inside[m.leadRole] += t - m.leadSince
	}
	m.lead, m.leadRole, m.leadSince = lead, role, t
	if lead && !m.seen[role] {
		m.seen[role] = true
		m.call.Goroutines[role]++
	}
}

// enter makes g a member of c, or adds to its part in it.
func (f *Fold) enter(g *goroutine, m member, t int64) {
	f.admit(g, m, f.book(g, t, 0))
}

// admit is enter for a goroutine that has been booked up to t.
func (f *Fold) admit(g *goroutine, m member, t int64) {
	m.since, m.place = t, len(m.call.gs)
	g.members = append(g.members, m)
	m.call.gs = append(m.call.gs, g)
	if m.call.Door.Whole { // no other call has its ledger
		f.setLead(&g.members[len(g.members)-1], true, t)
		return
	}
	f.lead(g, m.call.Door.Ledger, t)
}

// leave ends g's part in c. The caller takes g off c.gs.
func (f *Fold) leave(g *goroutine, c *Call, t int64) {
	t = f.book(g, t, 0)
	for i := range g.members {
		if g.members[i].call == c {
			f.setLead(&g.members[i], false, t)
			g.members = slices.Delete(g.members, i, i+1)
			break
		}
	}
	if len(g.members) == 0 {
		f.forget(g)
		return
	}
	if !c.Door.Whole {
		f.lead(g, c.Door.Ledger, t)
	}
}

func (c *Call) drop(g *goroutine) {
	m := g.find(c)
	if m == nil {
		return
	}
	last := len(c.gs) - 1
	moved := c.gs[last]
	c.gs[m.place] = moved
	moved.find(c).place = m.place
	c.gs[last] = nil
	c.gs = c.gs[:last]
}

// begin opens a scope on g at t. The task must not be open: the caller ends it
// first, in case its end was lost, and looks g up after that, because with its
// last call a goroutine is forgotten.
func (f *Fold) begin(task uint64, d *Door, g *goroutine, t int64) {
	for i := range g.members {
		m := &g.members[i]
		if m.hasOwn && m.own == ledger.Self && m.call.Door.Ledger == d.Ledger {
			m.call.Calls++
			m.call.open = append(m.call.open, task)
			f.open[task] = scope{m.call, d}
			return
		}
	}
	if d.Ledger.Name == "" && g.stack != 0 { // the function that opened it
		d.Ledger.Name = f.FrameOf(f.Leaf(g.stack)).Func
	}
	c := f.newCall()
	c.Door, c.Calls, c.opener = d, 1, g
	c.open = append(c.open, task)
	f.open[task] = scope{c, d}
	f.enter(g, member{call: c, own: ledger.Self, hasOwn: true, floor: g.stack}, t)
	c.Begin = g.since
}

// end closes a scope at t, on whichever goroutine that happens; with its last
// scope the call ends and all of its members leave.
func (f *Fold) end(task uint64, t int64) {
	s, ok := f.open[task]
	if !ok {
		return
	}
	c := s.call
	delete(f.open, task)
	if s.door.Ended != nil {
		s.door.Ended()
	}
	i := slices.Index(c.open, task)
	c.open = slices.Delete(c.open, i, i+1)
	if s.door.Whole {
		f.EndWhole(c, t)
		return
	}
	if len(c.open) > 0 {
		return
	}
	t = max(t, c.opener.since)
	c.End = t
	for _, g := range c.gs {
		f.leave(g, c, t)
	}
	clear(c.gs)
	c.gs = c.gs[:0]
	for _, id := range c.joins {
		delete(f.joins, id)
	}
	if c.Door.Done != nil {
		c.Door.Done(c)
	}
	l := c.Door.Ledger
	l.Calls += c.Calls
	l.Lengths.Record(c.Elapsed())
	c.addTo(l, c.Elapsed())
	f.freeCall(c)
}

// addTo adds the time of a call of that length to a ledger.
func (c *Call) addTo(l *ledger.Ledger, elapsed int64) {
	if elapsed < c.Door.SlowerThan {
		for _, e := range c.Book.Entries() {
			e.Stack = 0
			l.Dropped.Put(e)
		}
		return
	}
	l.Kept++
	l.KeptCalls += c.Calls
	l.Elapsed += elapsed
	l.Book.Merge(&c.Book, ledger.ClassOf(elapsed))
	for r := range c.Inside {
		l.Inside[r] += c.Inside[r]
		l.Goroutines[r] += c.Goroutines[r]
	}
	l.OutsideWait += c.Outside
}
