package attrib

import (
	"sync/atomic"

	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
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
	gs    wire.ByID[goroutine] // members only
	open  map[uint64]scope     // by task
	joins map[uint64]joined
	now   int64
	gen   int // generations begun since the last gap
	stacks
	live wireTable

	// Spans, if set, is given every span as it is booked, once per call that
	// it counts for.
	Spans func(*Call, ledger.Span)

	// See spare.go.
	spareG []*goroutine
	spareC []*Call

	samples atomic.Int64

	whole     []*Call // of the whole process; see whole.go
	following int     // who wants all goroutines followed, besides those
	fresh     bool    // the trace has begun, and no event of it was seen
	first     int64   // time of its first event

	// Sampled, if set, is given every CPU sample of the process.
	Sampled func(t int64, at ledger.StackID)

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
		open:  make(map[uint64]scope),
		joins: make(map[uint64]joined),
		stacks: stacks{
			Stacks:    t,
			startLine: startLine,
			lines:     make(map[pcFunc]int64),
		},
		live: wireTable{known: make(map[string]ledger.StackID)},
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

// Generation is told what the ids in the events to come stand for, where a
// [wire.Reader] reads them.
func (f *Fold) Generation(t *wire.Tables) {
	f.live.next(t)
	f.NextGeneration(&f.live)
}

// NextGeneration is the same for every reader. The first generation that is
// whole after a gap tells which goroutines are still there.
func (f *Fold) NextGeneration(t Table) {
	f.table = t
	if f.gen++; f.gen == 2 {
		f.reap()
	}
	f.fresh = f.gen == 1
}

// SetTable is for a reader whose table is always the same, before it gives
// anything.
func (f *Fold) SetTable(t Table) { f.table = t }

// Sample takes a CPU sample.
func (f *Fold) Sample(e *wire.Sample) {
	f.samples.Add(1)
	if f.Sampled != nil {
		f.Sampled(e.Time, f.intern(e.At))
	}
	if g := f.gs.Get(e.On); g != nil {
		f.sample(g, f.ground(g, f.intern(e.At)))
	}
}

// Transition takes a change of a goroutine's state. The times of statuses of
// idle goroutines are passed over: the runtime writes them all at once at a
// generation's end, a tick apart, so that with many parked goroutines they run
// milliseconds ahead of the clock, and all that comes after them would be
// moved there.
func (f *Fold) Transition(e *wire.Transition) {
	switch {
	case !e.Idle:
		f.transition(e, f.seen(e.Time))
	case f.fresh:
		f.transition(e, f.at(e.Time))
	default:
		f.transition(e, f.now)
	}
}

func (f *Fold) transition(e *wire.Transition, t int64) {
	if e.At != 0 && e.On > 0 && e.On != e.Goroutine && f.wide() {
		f.hear(e.On, e.At)
	}
	if e.From == wire.NotExist {
		creator := f.gs.Get(e.On)
		if creator != nil || f.wide() {
			f.create(creator, e, t)
		}
		return
	}
	g := f.gs.Get(e.Goroutine)
	if g == nil {
		if !f.wide() {
			return
		}
		g = f.meet(e)
	} else if g.stale {
		f.resume(g, e, t)
	}
	if e.To == wire.NotExist {
		f.exit(g, t)
		return
	}
	state, ok := stateOf(e.To)
	if !ok || state == g.state {
		return
	}

	// What the event says of the stack: leaving a running state it is where
	// that ended; a status brings the stack of one that is parked.
	at := g.stack
	if e.Own != 0 && (e.From == wire.Running || e.From == wire.Undetermined) {
		at = f.intern(e.Own)
		if state == ledger.Runnable {
			at = f.mend(g, at)
		}
	}
	if g.state == ledger.Blocked && e.From == wire.Waiting && e.On > 0 && e.On != g.id {
		f.waker = e.On
		if f.Spans != nil {
			f.wakerStack = f.intern(e.At)
		}
	}
	t = f.book(g, t, at)
	f.waker, f.wakerStack = 0, 0
	if g.origin == originUnknown && at != 0 {
		g.began = at
		f.know(g, f.table.ForeignRoot(e.Own))
	}
	g.state, g.stack, g.reason = state, at, 0
	switch state {
	case ledger.Blocked:
		switch {
		case e.Reason != 0:
			g.reason = f.reason(e.Reason)
		case e.From == wire.Running: // a status, after a gap, tells no reason
			g.reason = f.Reason(reasonCoroutine)
		}
		g.blocked = t
	case ledger.Runnable:
		g.reason = f.reason(e.Reason)
	case ledger.Running:
		if g.assist {
			g.reason = f.Reason(ReasonAssist)
		}
	}
}

func (f *Fold) reason(id wire.StringID) ledger.ReasonID {
	if id == 0 {
		return 0
	}
	return f.Reason(f.table.Text(id))
}

// create makes a goroutine that a member created a member of the same calls.
func (f *Fold) create(creator *goroutine, e *wire.Transition, t int64) {
	state, ok := stateOf(e.To)
	if !ok {
		return
	}
	if creator != nil {
		t = max(t, creator.since)
	}
	if f.table.Foreign(e.Own) {
		if f.wide() {
			f.newG(e.Goroutine, state, t).origin = originForeign
		}
		return
	}
	at := f.intern(e.At)
	g := f.newG(e.Goroutine, state, t)
	if state == ledger.Blocked {
		g.reason = f.Reason(reasonCoroutine)
		g.blocked = t
	}
	g.stack = f.intern(e.Own)
	f.enterWhole(g, t)
	if creator == nil {
		return
	}
	for i := range creator.members {
		p := &creator.members[i]
		if p.own == ledger.Process && p.hasOwn {
			continue
		}
		m := member{call: p.call, own: ledger.Spawned, hasOwn: true, hop: at, floor: f.floorOf(g.stack)}
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
		f.know(g, false)
	}
	if len(g.members) == 0 { // nobody's
		f.remove(g)
		return
	}
	t = f.book(g, t, 0)
	for i := len(g.members) - 1; i >= 0; i-- {
		m := &g.members[i]
		if m.hasOwn && m.own == ledger.Self {
			continue
		}
		c := m.call
		c.drop(g)
		f.leave(g, c, t)
	}
	if len(g.members) == 0 {
		f.remove(g)
		return
	}
	g.state, g.reason = ledger.Unknown, 0
}

// book is the one function that books time: the span from g.since to t in
// the state that g was in, to every call that it leads in. after is the stack
// known at t, for a span that ran; 0 where none is known.
//
// A goroutine's time never runs backwards: where it stands after t already,
// nothing is booked. book returns the time at which it stands, which is the one
// that counts for all that begins or ends for it there. Time is one goroutine's
// and not the trace's: a thread that had no core while a generation ended writes
// late into that one, and all others' events of the next one are given after it,
// up to hundreds of milliseconds older.
func (f *Fold) book(g *goroutine, t int64, after ledger.StackID) int64 {
	ns := t - g.since
	if ns <= 0 {
		return g.since
	}
	stack := g.stack
	if g.state == ledger.Running && after != 0 {
		stack = f.between(g.stack, after)
	}
	begin := g.since
	g.since = t
	if g.origin == originUnknown {
		g.pending = append(g.pending, pendingSpan{begin, t, stack, g.reason, g.state})
		return t
	}
	f.spread(g, begin, t, stack)
	return t
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
		if f.waker != 0 && g.state == ledger.Blocked && m.leadRole != ledger.Process {
			if w := f.gs.Get(f.waker); (w == nil || w.find(m.call) == nil) && !ofCollector(f.ReasonOf(g.reason)) {
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

// Assist tells apart the running time that a goroutine spends assisting the
// garbage collector.
func (f *Fold) Assist(e *wire.Assist) {
	t, on := f.seen(e.Time), e.Begin
	g := f.gs.Get(e.Goroutine)
	if g == nil || on == g.assist {
		return
	}
	g.assist = on
	if g.state != ledger.Running {
		return
	}
	at := f.intern(e.At)
	f.book(g, t, at)
	g.reason = 0
	if on {
		g.reason = f.Reason(ReasonAssist)
	}
	if at != 0 {
		g.stack = at
	}
}
