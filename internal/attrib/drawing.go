package attrib

import (
	"slices"
	"strings"

	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// Drawing draws a trace: what each goroutine did, by the spans that are booked,
// so that it adds up to what the ledger has; and beside it what has no place in
// a ledger. Who reads the trace calls it.
type Drawing struct {
	out  ledger.Timeline
	fold *Fold
	next ledger.TrackID

	groups     map[string]ledger.TrackID
	goroutines map[int64]*drawn
	near       [1024]struct { // those met last, by the low bits of their ids
		id int64
		d  *drawn
	}
	rows   int               // of goroutines, declared
	free   map[string][]*row // shared ones without a goroutine, by group, the longest free first
	shared map[string]int    // number of shared ones, by group
	lanes  map[string]*lanes
	open   map[openKey][]lane // what has begun and not ended
	flows  uint64

	counters map[string]ledger.TrackID
	names    [ledger.NumStates][]string // of spans, by reason
	known    map[int64]bool             // goroutines that are counted
	counts   [3]int64                   // goroutines, runnable, running
	shown    [3]int64
	counted  int64 // when they were last written
}

// lanes are tracks of one name, of which each takes one slice at a time: so
// whatever overlaps, no track is ever nested wrongly.
type lanes struct {
	name   string
	parent ledger.TrackID
	tracks []ledger.TrackID
	busy   []bool
}

type lane struct {
	of *lanes
	i  int
}

// openKey finds what has begun: a range of a resource, a task, a region.
type openKey struct {
	kind, name string
	id         int64
}

// Orders of the tracks at the top.
const (
	orderCounters = iota
	orderGC
	orderTasks
	orderUser
	orderRuntime
)

// NewDrawing draws on out what fold books.
func NewDrawing(out ledger.Timeline, fold *Fold) *Drawing {
	return &Drawing{out: out, fold: fold, groups: make(map[string]ledger.TrackID), goroutines: make(map[int64]*drawn),
		lanes: make(map[string]*lanes), open: make(map[openKey][]lane), counters: make(map[string]ledger.TrackID),
		known: make(map[int64]bool), free: make(map[string][]*row), shared: make(map[string]int)}
}

func (t *Drawing) declare(tr ledger.Track) ledger.TrackID {
	t.next++
	tr.ID = t.next
	t.out.Track(tr)
	return tr.ID
}

func (t *Drawing) group(name string, order int32) ledger.TrackID {
	id, ok := t.groups[name]
	if !ok {
		id = t.declare(ledger.Track{Kind: ledger.TrackGroup, Name: name, Order: order})
		t.groups[name] = id
	}
	return id
}

// Clock ties the drawing to the wall clock, before all else.
func (t *Drawing) Clock(ns, unixNanos int64) { t.out.Clock(ns, unixNanos) }

// Span draws a span of the whole process.
func (t *Drawing) Span(s ledger.Span) {
	d := t.goroutine(s.Goroutine, s.Stack, s.Begin)
	if d.slice.End == s.Begin && d.slice.Track != 0 && d.state == s.State && d.reason == s.Reason {
		d.slice.End = s.End
	} else {
		t.flush(d)
		d.slice = ledger.Slice{Track: d.track, Begin: s.Begin, End: s.End, Name: t.name(s), Category: s.State.String(),
			Stack: s.Stack}
		if d.arrives {
			d.arrived = d.arrow
			d.slice.FlowsIn = d.arrived[:]
		}
		d.state, d.reason, d.arrives = s.State, s.Reason, false
	}
	if s.Waker == 0 || s.State != ledger.Blocked {
		return
	}
	if w := t.find(s.Waker); w != nil {
		t.flows++
		d.arrow = [1]uint64{t.flows}
		d.arrives = true
		// Whom it wakes is where the arrow leads: a name of its own for each
		// would be most of the file's names.
		t.out.Instant(ledger.Slice{Track: w.track, Begin: s.End, Name: "wakes a goroutine",
			Category: "wake", Stack: s.WakerStack, FlowsOut: d.arrow[:]})
	}
}

// name returns what a span is called.
func (t *Drawing) name(s ledger.Span) string {
	names := t.names[s.State]
	if int(s.Reason) >= len(names) {
		names = append(names, make([]string, int(s.Reason)+1-len(names))...)
		t.names[s.State] = names
	}
	if names[s.Reason] == "" {
		name := s.State.String()
		if r := t.fold.ReasonOf(s.Reason); r != "" {
			name += ": " + r
		}
		names[s.Reason] = name
	}
	return names[s.Reason]
}

// Sample draws a CPU sample.
func (t *Drawing) Sample(at int64, g, thread int64, stack ledger.StackID) {
	s := ledger.Sample{T: at, Goroutine: g, Thread: thread, Stack: stack}
	if d := t.find(g); d != nil {
		s.Track = d.track
	}
	t.out.Sample(s)
}

// Edge is where something begins or ends.
type Edge struct {
	Time      int64
	Goroutine int64 // on which; below 1 for none
	Stack     ledger.StackID
}

// Range is an edge of what the runtime does: name is its name, owner the
// processor or thread that does it ("P1"), "" for the whole process. One that
// had begun before is begun again by whoever goes on with it: once is enough.
func (t *Drawing) Range(name, owner string, begin bool, e Edge) {
	k := openKey{"range", name + owner, 0}
	if !begin {
		t.end(k, e.Time)
		return
	}
	if len(t.open[k]) == 0 {
		t.begin(k, t.lane(strings.TrimSpace(name+" "+owner), orderGC), name, e)
	}
}

// Task is an edge of a user's task.
func (t *Drawing) Task(id uint64, name string, begin bool, e Edge) {
	t.named("task", id, name, begin, e)
}

// Scope is an edge of a scope of profscope.
func (t *Drawing) Scope(id uint64, name string, begin bool, e Edge) {
	t.named("scope", id, name, begin, e)
}

func (t *Drawing) named(kind string, id uint64, name string, begin bool, e Edge) {
	k := openKey{kind, "", int64(id)}
	if !begin {
		t.end(k, e.Time)
		return
	}
	t.begin(k, t.lane(kind+" "+name, orderTasks), name, e)
}

// Log draws a user's log event.
func (t *Drawing) Log(category, message string, e Edge) {
	d := t.find(e.Goroutine)
	if d == nil {
		return
	}
	if category == "" {
		category = "log"
	}
	t.out.Instant(ledger.Slice{Track: d.track, Begin: e.Time, Name: category, Category: "log",
		Args: []ledger.Arg{{Name: "message", Text: message}}})
}

// Region is an edge of a user's region, which has no id: of several of one
// name on a goroutine the innermost ends.
func (t *Drawing) Region(name string, begin bool, e Edge) {
	k := openKey{"region", name, e.Goroutine}
	if !begin {
		t.end(k, e.Time)
		return
	}
	d := t.goroutine(e.Goroutine, e.Stack, e.Time)
	if d.regions == nil {
		d.regions = &lanes{name: "regions of " + d.label, parent: d.track}
	}
	t.begin(k, d.regions, name, e)
}

func (t *Drawing) lane(name string, order int32) *lanes {
	l := t.lanes[name]
	if l == nil {
		group := map[int32]string{orderGC: "GC", orderTasks: "tasks and scopes"}[order]
		l = &lanes{name: name, parent: t.group(group, order)}
		t.lanes[name] = l
	}
	return l
}

// begin opens a slice on the first lane that is free.
func (t *Drawing) begin(k openKey, l *lanes, name string, e Edge) {
	i := 0
	for i < len(l.busy) && l.busy[i] {
		i++
	}
	if i == len(l.busy) {
		l.busy = append(l.busy, false)
		l.tracks = append(l.tracks, t.declare(ledger.Track{Parent: l.parent, Kind: ledger.TrackAsync, Name: l.name, Order: int32(i)}))
	}
	l.busy[i] = true
	t.open[k] = append(t.open[k], lane{l, i})
	s := ledger.Slice{Track: l.tracks[i], Begin: e.Time, Name: name, Category: k.kind, Stack: e.Stack}
	if e.Goroutine > 0 {
		s.Args = []ledger.Arg{{Name: "goroutine", Int: e.Goroutine}}
		if k.kind == "scope" {
			s.Args[0].Name = "self" // its role there
		}
	}
	t.out.Begin(s)
}

// end closes the slice that was opened last under k.
func (t *Drawing) end(k openKey, at int64) {
	open := t.open[k]
	if len(open) == 0 {
		return
	}
	l := open[len(open)-1]
	if len(open) == 1 {
		delete(t.open, k)
	} else {
		t.open[k] = open[:len(open)-1]
	}
	l.of.busy[l.i] = false
	t.out.End(l.of.tracks[l.i], at)
}

// countEvery bounds how often the numbers of goroutines are written: a value
// each switch would be half of the file.
const countEvery = int64(50_000)

var countNames = [3]string{"goroutines", "runnable", "running"}

// Change keeps the numbers of goroutines by the changes that are told. A status
// is no change: only the first of a goroutine counts.
func (t *Drawing) Change(g int64, from, to wire.State, now int64) {
	switch {
	case to == wire.NotExist:
		t.forget(g)
		if !t.known[g] {
			return
		}
		delete(t.known, g)
	case from == wire.NotExist:
		t.known[g] = true
	case from == wire.Undetermined || from == to:
		if t.known[g] {
			return
		}
		t.known[g] = true
		from = wire.Undetermined
	}
	t.tell(from, -1)
	t.tell(to, 1)
	if now-t.counted >= countEvery {
		t.writeCounts(now)
	}
}

func (t *Drawing) tell(s wire.State, n int64) {
	switch s {
	case wire.NotExist, wire.Undetermined:
		return
	case wire.Runnable:
		t.counts[1] += n
	case wire.Running:
		t.counts[2] += n
	}
	t.counts[0] += n
}

func (t *Drawing) writeCounts(now int64) {
	for i, n := range t.counts {
		if n != t.shown[i] || t.counted == 0 {
			t.Count(countNames[i], "", now, n)
			t.shown[i] = n
		}
	}
	t.counted = now
}

// Counter names of what the runtime counts.
const (
	CounterHeap     = "heap"
	CounterHeapGoal = "heap goal"
	CounterProcs    = "GOMAXPROCS"
)

// Count draws a counter's value from at on; unit is "" (a count) or "bytes".
func (t *Drawing) Count(name, unit string, at, value int64) {
	id, ok := t.counters[name]
	if !ok {
		id = t.declare(ledger.Track{Parent: t.group("counters", orderCounters), Kind: ledger.TrackCounter, Name: name, Unit: unit})
		t.counters[name] = id
	}
	t.out.Count(id, at, value)
}

// Close ends the drawing at end and returns the encoder's first error.
func (t *Drawing) Close(end int64) error {
	ids := make([]int64, 0, len(t.goroutines))
	for id := range t.goroutines {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		t.flush(t.goroutines[id])
	}
	t.writeCounts(end)
	return t.out.Close(end)
}
