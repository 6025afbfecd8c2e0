package attrib

import (
	"slices"

	"github.com/profscope/profscope/internal/ledger"
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
	rows    int               // of goroutines, declared
	free    map[string][]*row // shared ones without a goroutine, by group, the longest free first
	shared  map[string]int    // number of shared ones, by group
	lanes   map[string]*lanes
	open    map[openKey][]lane // what has begun and not ended
	quietly                    // what has begun before the drawing does
	flows   uint64

	counters map[string]ledger.TrackID
	names    [ledger.NumStates][]string // of spans, by reason
	known    map[int64]bool             // goroutines that are counted
	counts   [3]int64                   // goroutines, runnable, running
	shown    [3]int64
	fieldEnd int64 // of the grid's field in which they changed last; 0 before the first
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
	if w := t.waker(s); w != nil {
		t.flows++
		d.arrow = [1]uint64{t.flows}
		d.arrives = true
		// Whom it wakes is where the arrow leads: a name of its own for each
		// would be most of the file's names.
		t.out.Instant(ledger.Slice{Track: w.track, Begin: s.End, Name: "wakes a goroutine",
			Category: "wake", Stack: s.WakerStack, FlowsOut: d.arrow[:]})
	}
}

// waker returns the row of the goroutine that ended a span, which may be in its
// own first one and have none yet; nil if it is nobody's, or not known to be
// anybody's.
func (t *Drawing) waker(s ledger.Span) *drawn {
	if w := t.find(s.Waker); w != nil {
		return w
	}
	g := t.fold.gs.Get(s.Waker)
	if g == nil || g.origin != originUser {
		return nil
	}
	return t.goroutine(s.Waker, s.WakerStack, g.since)
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
	t.endField(end)
	return t.out.Close(end)
}
