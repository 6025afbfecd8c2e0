package attrib

import (
	"fmt"
	"strings"

	"github.com/profscope/profscope/internal/ledger"
	"golang.org/x/exp/trace"
)

// timeline draws a trace file: what each goroutine did, by the spans that are
// booked, so that it adds up to what the ledger has; and beside it what has no
// place in a ledger.
type timeline struct {
	out  ledger.Timeline
	p    *fileReader
	next ledger.TrackID

	groups     map[string]ledger.TrackID
	goroutines map[int64]*drawn
	near       [1024]struct { // those met last, by the low bits of their ids
		id int64
		d  *drawn
	}
	lanes map[string]*lanes
	open  map[openKey][]lane // what has begun and not ended
	flows uint64

	counters map[string]ledger.TrackID
	names    [ledger.NumStates][]string // of spans, by reason
	known    map[trace.GoID]bool        // goroutines that are counted
	counts   [3]int64                   // goroutines, runnable, running
	shown    [3]int64
	counted  int64 // when they were last written
}

// drawn is a goroutine with a track.
type drawn struct {
	track ledger.TrackID
	// The slice at hand: edges of scopes cut a span in two, and a reader
	// shall see one.
	slice  ledger.Slice
	state  ledger.State
	reason ledger.ReasonID

	arrow, arrived [1]uint64 // into the next slice, and into the one at hand
	arrives        bool      // there is an arrow

	regions *lanes // of the user's regions, if there are any
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

func newTimeline(out ledger.Timeline, p *fileReader) *timeline {
	return &timeline{out: out, p: p, groups: make(map[string]ledger.TrackID), goroutines: make(map[int64]*drawn),
		lanes: make(map[string]*lanes), open: make(map[openKey][]lane), counters: make(map[string]ledger.TrackID),
		known: make(map[trace.GoID]bool)}
}

func (t *timeline) declare(tr ledger.Track) ledger.TrackID {
	t.next++
	tr.ID = t.next
	t.out.Track(tr)
	return tr.ID
}

func (t *timeline) group(name string, order int32) ledger.TrackID {
	id, ok := t.groups[name]
	if !ok {
		id = t.declare(ledger.Track{Kind: ledger.TrackGroup, Name: name, Order: order})
		t.groups[name] = id
	}
	return id
}

// goroutine returns the goroutine's track, by the function that it began with
// as far as at shows it.
func (t *timeline) goroutine(id int64, at ledger.StackID) *drawn {
	near := &t.near[uint64(id)%uint64(len(t.near))]
	if near.d != nil && near.id == id {
		return near.d
	}
	d := t.goroutines[id]
	if d == nil {
		start := "[not known]"
		if at != 0 {
			start = t.p.fold.rootOf(at)
		}
		d = &drawn{}
		d.track = t.declare(ledger.Track{Parent: t.group(start, orderUser), Kind: ledger.TrackGoroutine,
			Name: fmt.Sprintf("G%d %s", id, start), Number: id, Order: int32(id & (1<<31 - 1))})
		t.goroutines[id] = d
	}
	near.id, near.d = id, d
	return d
}

// find returns the goroutine's track, nil if it has none.
func (t *timeline) find(id int64) *drawn {
	if near := &t.near[uint64(id)%uint64(len(t.near))]; near.d != nil && near.id == id {
		return near.d
	}
	return t.goroutines[id]
}

// span draws a span of the whole process.
func (t *timeline) span(s ledger.Span) {
	d := t.goroutine(s.Goroutine, s.Stack)
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
func (t *timeline) name(s ledger.Span) string {
	names := t.names[s.State]
	if int(s.Reason) >= len(names) {
		names = append(names, make([]string, int(s.Reason)+1-len(names))...)
		t.names[s.State] = names
	}
	if names[s.Reason] == "" {
		name := s.State.String()
		if r := t.p.f.Whole.Stacks.ReasonOf(s.Reason); r != "" {
			name += ": " + r
		}
		names[s.Reason] = name
	}
	return names[s.Reason]
}

func (t *timeline) flush(d *drawn) {
	if d.slice.Track != 0 {
		t.out.Span(d.slice)
		d.slice.Track = 0
	}
}

// event draws what the fold does not book.
func (t *timeline) event(ev *fileEvent) {
	e := &ev.Event
	now := t.p.fold.now
	switch ev.kind {
	case trace.EventStateTransition:
		t.count(&ev.changed, now)
	case trace.EventStackSample:
		s := ledger.Sample{T: int64(e.Time()), Goroutine: int64(e.Goroutine()), Thread: int64(e.Thread()), Stack: t.p.fold.intern(t.p.fold.standing(e))}
		if d := t.find(s.Goroutine); d != nil {
			s.Track = d.track
		}
		t.out.Sample(s)
	case trace.EventMetric:
		if m := e.Metric(); m.Value.Kind() == trace.ValueUint64 {
			unit := ""
			if strings.HasSuffix(m.Name, ":bytes") {
				unit = "bytes"
			}
			t.set(metricName(m.Name), unit, int64(e.Time()), int64(m.Value.Uint64()))
		}
	case trace.EventRangeBegin, trace.EventRangeActive:
		r := ev.ranged
		if r.Name == reasonAssist {
			return // a reason of running
		}
		k, l := t.rangeLane(r)
		if len(t.open[k]) == 0 {
			t.begin(k, l, r.Name, e)
		}
	case trace.EventRangeEnd:
		if r := ev.ranged; r.Name != reasonAssist {
			k, _ := t.rangeLane(r)
			t.end(k, int64(e.Time()))
		}
	case trace.EventTaskBegin:
		tk := ev.task
		t.begin(openKey{"task", "", int64(tk.ID)}, t.lane("task "+tk.Type, orderTasks), tk.Type, e)
	case trace.EventTaskEnd:
		t.end(openKey{"task", "", int64(ev.task.ID)}, int64(e.Time()))
	case trace.EventRegionBegin:
		t.region(e, e.Region().Type, true)
	case trace.EventRegionEnd:
		t.region(e, e.Region().Type, false)
	case trace.EventLog:
		t.log(e)
	}
}

func (t *timeline) log(e *trace.Event) {
	lg := e.Log()
	switch lg.Category {
	case CategoryRegionBegin:
		t.region(e, lg.Message, true)
	case CategoryRegionEnd:
		t.region(e, lg.Message, false)
	case CategoryBegin:
		if d := t.p.doors[uint64(lg.Task)]; d != nil {
			t.begin(openKey{"scope", "", int64(lg.Task)}, t.lane("scope "+d.Ledger.Name, orderTasks), d.Ledger.Name, e)
		}
	case CategoryEnd:
		t.end(openKey{"scope", "", int64(lg.Task)}, int64(e.Time()))
	case CategoryName, CategoryJoin, CategoryLeave:
	default:
		if d := t.goroutines[int64(e.Goroutine())]; d != nil {
			name := lg.Category
			if name == "" {
				name = "log"
			}
			t.out.Instant(ledger.Slice{Track: d.track, Begin: int64(e.Time()), Name: name, Category: "log",
				Args: []ledger.Arg{{Name: "message", Text: lg.Message}}})
		}
	}
}

func (t *timeline) region(e *trace.Event, name string, begin bool) {
	id := int64(e.Goroutine())
	k := openKey{"region", name, id}
	if !begin {
		t.end(k, int64(e.Time()))
		return
	}
	d := t.goroutine(id, t.p.fold.intern(t.p.fold.standing(e)))
	if d.regions == nil {
		d.regions = &lanes{name: fmt.Sprintf("regions of G%d", id), parent: d.track}
	}
	t.begin(k, d.regions, name, e)
}

// rangeLane returns where a range of the runtime is drawn.
func (t *timeline) rangeLane(r trace.Range) (openKey, *lanes) {
	k := openKey{"range", r.Name, 0}
	name := r.Name
	switch r.Scope.Kind {
	case trace.ResourceProc:
		k.id = int64(r.Scope.Proc())
		name = fmt.Sprintf("%s P%d", r.Name, k.id)
	case trace.ResourceGoroutine:
		k.id = int64(r.Scope.Goroutine())
	}
	return k, t.lane(name, orderGC)
}

func (t *timeline) lane(name string, order int32) *lanes {
	l := t.lanes[name]
	if l == nil {
		group := map[int32]string{orderGC: "GC", orderTasks: "tasks and scopes"}[order]
		l = &lanes{name: name, parent: t.group(group, order)}
		t.lanes[name] = l
	}
	return l
}

// begin opens a slice on the first lane that is free.
func (t *timeline) begin(k openKey, l *lanes, name string, e *trace.Event) {
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
	s := ledger.Slice{Track: l.tracks[i], Begin: int64(e.Time()), Name: name, Category: k.kind, Stack: t.p.fold.intern(t.p.fold.standing(e))}
	if g := int64(e.Goroutine()); g > 0 {
		s.Args = []ledger.Arg{{Name: "goroutine", Int: g}}
	}
	t.out.Begin(s)
}

// end closes the slice that was opened last under k.
func (t *timeline) end(k openKey, at int64) {
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

// count keeps the numbers of goroutines by the changes that are told. A status
// is no change: only the first of a goroutine counts.
func (t *timeline) count(st *trace.StateTransition, now int64) {
	if st.Resource.Kind != trace.ResourceGoroutine {
		return
	}
	id := st.Resource.Goroutine()
	from, to := st.Goroutine()
	switch {
	case to == trace.GoNotExist:
		t.forget(int64(id))
		if !t.known[id] {
			return
		}
		delete(t.known, id)
	case from == trace.GoNotExist:
		t.known[id] = true
	case from == trace.GoUndetermined || from == to:
		if t.known[id] {
			return
		}
		t.known[id] = true
		from = trace.GoUndetermined
	}
	t.tell(from, -1)
	t.tell(to, 1)
	if now-t.counted >= countEvery {
		t.writeCounts(now)
	}
}

func (t *timeline) tell(s trace.GoState, n int64) {
	switch s {
	case trace.GoNotExist, trace.GoUndetermined:
		return
	case trace.GoRunnable:
		t.counts[1] += n
	case trace.GoRunning:
		t.counts[2] += n
	}
	t.counts[0] += n
}

// forget ends the drawing of a goroutine that has ended: of a program that
// starts a million of them, only those that are there are held.
func (t *timeline) forget(id int64) {
	d := t.goroutines[id]
	if d == nil {
		return
	}
	t.flush(d)
	delete(t.goroutines, id)
	if near := &t.near[uint64(id)%uint64(len(t.near))]; near.id == id {
		near.d = nil
	}
}

func (t *timeline) writeCounts(now int64) {
	for i, n := range t.counts {
		if n != t.shown[i] || t.counted == 0 {
			t.set(countNames[i], "", now, n)
			t.shown[i] = n
		}
	}
	t.counted = now
}

func metricName(s string) string {
	switch s {
	case "/memory/classes/heap/objects:bytes":
		return "heap"
	case "/gc/heap/goal:bytes":
		return "heap goal"
	case "/sched/gomaxprocs:threads":
		return "GOMAXPROCS"
	}
	return s
}

func (t *timeline) set(name, unit string, at, value int64) {
	id, ok := t.counters[name]
	if !ok {
		id = t.declare(ledger.Track{Parent: t.group("counters", orderCounters), Kind: ledger.TrackCounter, Name: name, Unit: unit})
		t.counters[name] = id
	}
	t.out.Count(id, at, value)
}

// finish writes what is at hand.
func (t *timeline) finish(end int64) {
	for _, id := range sortedIDs(t.goroutines) {
		t.flush(t.goroutines[id])
	}
	t.writeCounts(end)
}
