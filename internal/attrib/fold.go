package attrib

import (
	"sync/atomic"

	"github.com/profscope/profscope/internal/ledger"
	"golang.org/x/exp/trace"
)

// maxPrefix bounds the depth of the stack under which a spawned goroutine
// hangs: a goroutine may start its successor for ever.
const maxPrefix = 256

// Fold follows the members of open scopes through a trace. It outlives a
// single trace: between two recordings call [Fold.Gap], and scopes that stay
// open across it carry on, with the time between as unknown.
//
// A Fold is not safe for concurrent use.
type Fold struct {
	doors Doors
	gs    map[int64]*goroutine // members only
	open  map[uint64]scope     // by task
	joins map[uint64]joined
	now   int64
	gen   int // generations begun since the last gap
	stacks

	// Spans, if set, is given every span as it is booked, once per call that
	// it counts for.
	Spans func(*Call, ledger.Span)

	// A hot function opens and closes a call a hundred thousand times a
	// second: both kinds are used again.
	spareG []*goroutine
	spareC []*Call

	samples atomic.Int64

	whole []*Call // of the whole process; see whole.go

	waker      int64 // of the unblock event being handled
	wakerStack ledger.StackID
}

type joined struct {
	g int64
	c *Call
}

// NewFold returns a fold that interns stacks in t. startLine, which may be
// nil, finds the line on which a function begins.
func NewFold(t *ledger.Stacks, doors Doors, startLine func(pc uint64, fn string) int64) *Fold {
	return &Fold{
		doors: doors,
		gs:    make(map[int64]*goroutine),
		open:  make(map[uint64]scope),
		joins: make(map[uint64]joined),
		stacks: stacks{
			Stacks:    t,
			startLine: startLine,
			lines:     make(map[pcFunc]int64),
			handles:   make(map[handle]ledger.StackID),
			foreign:   make(map[handle]bool),
			ancestors: make(map[[2]ledger.StackID]ledger.StackID),
			hung:      make(map[[2]ledger.StackID]ledger.StackID),
		},
	}
}

// Now returns the time of the last event, in nanoseconds of the trace's clock.
func (f *Fold) Now() int64 { return f.now }

// Samples returns the number of CPU samples seen, of all goroutines. It may be
// called at any time.
func (f *Fold) Samples() int64 { return f.samples.Load() }

// OpenTasks returns the task ids of the scopes that are open.
func (f *Fold) OpenTasks() map[uint64]bool {
	tasks := make(map[uint64]bool, len(f.open))
	for task := range f.open {
		tasks[task] = true
	}
	return tasks
}

// Event takes the next event of the trace.
func (f *Fold) Event(e *trace.Event) {
	switch e.Kind() {
	case trace.EventStateTransition:
		f.at(int64(e.Time()))
		f.transition(e)
	case trace.EventStackSample:
		f.samples.Add(1)
		if g := f.gs[int64(e.Goroutine())]; g != nil {
			f.sample(g, f.intern(e.Stack()))
		}
	case trace.EventLog:
		f.at(int64(e.Time()))
		f.log(e)
	case trace.EventRangeBegin, trace.EventRangeActive, trace.EventRangeEnd:
		f.at(int64(e.Time()))
		if len(f.gs) > 0 {
			f.rangeEdge(e)
		}
	case trace.EventSync:
		f.nextGeneration()
		if f.gen++; f.gen == 2 {
			f.reap()
		}
	}
}

func (f *Fold) transition(e *trace.Event) {
	st := e.StateTransition()
	if st.Resource.Kind != trace.ResourceGoroutine {
		return
	}
	from, to := st.Goroutine()
	if from == trace.GoNotExist {
		creator := f.gs[int64(e.Goroutine())]
		if creator != nil || len(f.whole) > 0 {
			f.create(creator, e, &st, to)
		}
		return
	}
	g := f.gs[int64(st.Resource.Goroutine())]
	if g == nil {
		if len(f.whole) == 0 {
			return
		}
		g = f.meet(int64(st.Resource.Goroutine()), from)
	}
	g.stale = false
	if to == trace.GoNotExist {
		f.exit(g, f.now)
		return
	}
	state, ok := stateOf(to)
	if !ok || state == g.state {
		return
	}
	t := f.now

	// What the event says of the stack: leaving a running state it is where
	// that ended; a status brings the stack of one that is parked.
	at := g.stack
	if h := st.Stack; h != trace.NoStack && (from == trace.GoRunning || from == trace.GoUndetermined) {
		at = f.intern(h)
	}
	if g.state == ledger.Blocked && from == trace.GoWaiting {
		if w := int64(e.Goroutine()); w > 0 && w != g.id {
			f.waker, f.wakerStack = w, f.intern(e.Stack())
		}
	}
	f.book(g, t, at)
	f.waker, f.wakerStack = 0, 0
	if g.origin == originUnknown && at != 0 {
		f.know(g, at)
	}
	g.state, g.stack, g.reason = state, at, 0
	switch state {
	case ledger.Blocked:
		switch {
		case st.Reason != "":
			g.reason = f.Reason(st.Reason)
		case from == trace.GoRunning: // a status, after a gap, tells no reason
			g.reason = f.Reason(reasonCoroutine)
		}
		g.blocked = t
	case ledger.Runnable:
		if st.Reason != "" {
			g.reason = f.Reason(st.Reason)
		}
	case ledger.Running:
		if g.assist {
			g.reason = f.Reason(reasonAssist)
		}
	}
}

// create makes a goroutine that a member created a member of the same calls.
func (f *Fold) create(creator *goroutine, e *trace.Event, st *trace.StateTransition, to trace.GoState) {
	state, ok := stateOf(to)
	if !ok {
		return
	}
	t := f.now
	if f.isForeign(st.Stack) {
		if len(f.whole) > 0 {
			f.newG(int64(st.Resource.Goroutine()), state, t).origin = originForeign
		}
		return
	}
	at := f.intern(e.Stack())
	g := f.newG(int64(st.Resource.Goroutine()), state, t)
	if state == ledger.Blocked {
		g.reason = f.Reason(reasonCoroutine)
		g.blocked = t
	}
	g.stack = f.intern(st.Stack)
	f.enterWhole(g, t)
	if creator == nil {
		return
	}
	for i := range creator.members {
		p := &creator.members[i]
		if p.own == ledger.Process && p.hasOwn {
			continue
		}
		m := member{call: p.call, own: ledger.Spawned, hasOwn: true, hop: at}
		if !p.call.Door.Unstitched {
			m.prefix = at
			if p.prefix != 0 {
				m.prefix = p.prefix
				if p.hop != at && f.Depth(p.prefix) < maxPrefix {
					m.prefix = f.under(p.prefix, at)
				}
			}
		}
		f.enter(g, m, t)
	}
}

// exit ends the part of a goroutine that is gone. A call that it opened goes
// on until somebody ends it: of that time nothing is known.
func (f *Fold) exit(g *goroutine, t int64) {
	if g.origin == originUnknown {
		f.know(g, 0)
	}
	if len(g.members) == 0 { // nobody's
		f.forget(g)
		return
	}
	f.book(g, t, 0)
	for i := len(g.members) - 1; i >= 0; i-- {
		m := &g.members[i]
		if m.hasOwn && m.own == ledger.Self {
			continue
		}
		c := m.call
		c.drop(g)
		f.leave(g, c, t)
	}
	g.state, g.reason = ledger.Unknown, 0
}

// book is the one function that books time: the span from g.since to t in
// the state that g was in, to every call that it leads in. after is the stack
// known at t, for a span that ran; 0 where none is known.
func (f *Fold) book(g *goroutine, t int64, after ledger.StackID) {
	ns := t - g.since
	if ns <= 0 {
		return
	}
	stack := g.stack
	if g.state == ledger.Running && after != 0 {
		stack = f.between(g.stack, after)
	}
	begin := g.since
	g.since = t
	if g.origin == originUnknown {
		g.pending = append(g.pending, pendingSpan{begin, t, stack, g.reason, g.state})
		return
	}
	f.spread(g, begin, t, stack)
}

// spread gives a span to the calls that g's time counts for.
func (f *Fold) spread(g *goroutine, begin, t int64, stack ledger.StackID) {
	for i := range g.members {
		m := &g.members[i]
		begin := max(begin, m.since) // a span that was pending is older than its call
		ns := t - begin
		if !m.lead || ns <= 0 {
			continue
		}
		at := f.hang(m, stack)
		m.call.Book.Add(ledger.Key{Stack: at, State: g.state, Reason: g.reason, Role: m.leadRole}, ns)
		if f.waker != 0 && g.state == ledger.Blocked {
			if w := f.gs[f.waker]; w == nil || w.find(m.call) == nil {
				m.call.Outside += t - max(g.blocked, m.since)
			}
		}
		if f.Spans != nil {
			f.Spans(m.call, ledger.Span{
				Begin: begin, End: t, Goroutine: g.id, Stack: at, Reason: g.reason,
				State: g.state, Role: m.leadRole, Waker: f.waker, WakerStack: f.wakerStack,
			})
		}
	}
}

// hang returns the stack of a member as its call shows it: a spawned
// goroutine's under the go statement that created it.
func (f *Fold) hang(m *member, stack ledger.StackID) ledger.StackID {
	if m.leadRole != ledger.Spawned || m.prefix == 0 {
		return stack
	}
	return f.under(m.prefix, stack)
}

// sample counts a CPU sample of g. It is counted in the state that g was in
// at that moment: only those in a running span share the running time out.
func (f *Fold) sample(g *goroutine, at ledger.StackID) {
	for i := range g.members {
		m := &g.members[i]
		if !m.lead {
			continue
		}
		m.call.Book.Sample(ledger.Key{Stack: f.hang(m, at), State: g.state, Reason: g.reason, Role: m.leadRole})
	}
}

// rangeEdge tells apart the running time that a goroutine spends assisting
// the garbage collector.
func (f *Fold) rangeEdge(e *trace.Event) {
	r := e.Range()
	if r.Scope.Kind != trace.ResourceGoroutine || r.Name != reasonAssist {
		return
	}
	g := f.gs[int64(r.Scope.Goroutine())]
	if g == nil {
		return
	}
	on := e.Kind() != trace.EventRangeEnd
	if on == g.assist {
		return
	}
	g.assist = on
	if g.state != ledger.Running {
		return
	}
	at := f.intern(e.Stack())
	f.book(g, f.now, at)
	g.reason = 0
	if on {
		g.reason = f.Reason(reasonAssist)
	}
	if at != 0 {
		g.stack = at
	}
}

func (f *Fold) newG(id int64, s ledger.State, t int64) *goroutine {
	var g *goroutine
	if n := len(f.spareG); n > 0 {
		g, f.spareG = f.spareG[n-1], f.spareG[:n-1]
		*g = goroutine{members: g.members[:0]}
	} else {
		g = new(goroutine)
	}
	g.id, g.state, g.since = id, s, t
	f.gs[id] = g
	return g
}

// forget drops a goroutine that is no member of anything.
func (f *Fold) forget(g *goroutine) {
	if len(g.members) == 0 {
		delete(f.gs, g.id)
		f.freeG(g)
	}
}

const maxSpare = 1024

func (f *Fold) freeG(g *goroutine) {
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
	book.Reset()
	*c = Call{Book: book, open: open, gs: gs, joins: joins}
	f.spareC = append(f.spareC, c)
}
