package attrib

import (
	"fmt"

	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// Drawn tells of a recording that was drawn.
type Drawn struct {
	Begin, End  int64 // nanoseconds of the trace's clock
	Generations int64
	Goroutines  int64 // but for the runtime's and profscope's
	// Cut is why the recording ends where it does; nil for a whole one. It is
	// drawn up to its last whole generation.
	Cut error
}

// Draw draws the recording src, of the whole process, on the timeline that out
// makes for the table of its stacks. It returns the timeline's first error.
func Draw(src Source, out func(*ledger.Stacks) ledger.Timeline) (Drawn, error) {
	d := newDrawer(out)
	return d.finish(Read(src, d))
}

// DrawFile is Draw on two cores: for a file, where nobody else wants them.
func DrawFile(src Source, out func(*ledger.Stacks) ledger.Timeline) (Drawn, error) {
	d := newDrawer(out)
	return d.finish(ReadAhead(src, d))
}

func (d *drawer) finish(cut error) (drawn Drawn, err error) {
	drawn.Cut = cut
	d.fold.At(d.last)
	drawn.End, drawn.Generations = d.fold.Now(), d.generations
	if d.whole != nil {
		drawn.Begin = d.whole.Begin
		d.fold.EndWhole(d.whole, drawn.End)
		drawn.Goroutines = d.whole.Door.Ledger.Goroutines[ledger.Process]
	}
	return drawn, d.line.Close(drawn.End)
}

// drawer follows all goroutines of a recording, by a fold of its own, and draws
// them. It is a wire.DetailHandler.
type drawer struct {
	fold  *Fold
	line  *Drawing
	t     *wire.Tables
	whole *Call // from the first event on

	doors  map[uint64]*Door          // of profscope's scopes, by task
	scopes map[string]*ledger.Ledger // the same, by name
	tasks  map[uint64]string         // of the user's that are open
	stops  map[uint64]string         // what stops the world, by thread
	stacks *ledger.Stacks

	generations int64
	// last is when the trace ends: what its last generation tells of goroutines
	// that did nothing comes after all that happened, and moves no time.
	last int64
}

func newDrawer(out func(*ledger.Stacks) ledger.Timeline) *drawer {
	t := ledger.NewStacks()
	d := &drawer{stacks: t, doors: make(map[uint64]*Door), scopes: make(map[string]*ledger.Ledger), tasks: make(map[uint64]string), stops: make(map[uint64]string)}
	d.fold = NewFold(t, func(task uint64) *Door { return d.doors[task] }, nil)
	d.line = NewDrawing(out(t), d.fold)
	d.fold.Spans = func(c *Call, s ledger.Span) {
		if c.Door.Ledger.Whole {
			d.line.Span(s)
		} else {
			d.line.Member(c, s)
		}
	}
	return d
}

func (d *drawer) Snapshot(trace, unix int64) { d.line.Clock(trace, unix) }

func (d *drawer) Generation(t *wire.Tables) {
	d.t = t
	if t != nil {
		d.generations++
	}
	d.fold.Generation(t)
}

// begin opens the call of the whole process at the first event.
func (d *drawer) begin(t int64) {
	if d.whole == nil {
		l := &ledger.Ledger{Stacks: d.stacks, Whole: true}
		d.whole = d.fold.BeginWhole(&Door{Ledger: l, Unstitched: true}, t)
	}
}

func (d *drawer) Transition(e *wire.Transition) {
	d.begin(e.Time)
	d.last = max(d.last, e.Time)
	d.fold.Transition(e)
	d.line.Change(e.Goroutine, e.From, e.To, d.fold.Now())
}

func (d *drawer) Assist(e *wire.Assist) {
	d.begin(e.Time)
	d.fold.Assist(e)
}

func (d *drawer) Sample(e *wire.Sample) {
	d.fold.Sample(e)
	d.line.Sample(e.Time, e.On, int64(e.Thread), d.fold.Intern(e.At))
}

func (d *drawer) Log(e *wire.Log) {
	d.begin(e.Time)
	d.fold.Log(e)
	at := Edge{e.Time, e.On, d.fold.Intern(e.At)}
	switch category := d.t.String(e.Category); category {
	case CategoryName:
		if name, ok := d.tasks[e.Task]; ok { // the scope's own task, which came first
			d.line.Task(e.Task, name, false, at)
			delete(d.tasks, e.Task)
		}
		d.doors[e.Task] = &Door{Ledger: d.scope(d.t.String(e.Message)), Unstitched: true}
	case CategoryBegin, CategoryEnd:
		if door := d.doors[e.Task]; door != nil {
			d.line.Scope(e.Task, door.Ledger.Name, category == CategoryBegin, at)
		}
	case CategoryJoin, CategoryLeave:
	default:
		d.line.Log(category, d.t.String(e.Message), at)
	}
}

// scope returns the ledger of the scopes of that name, so that they are told
// apart; nobody reads what is in it.
func (d *drawer) scope(name string) *ledger.Ledger {
	l := d.scopes[name]
	if l == nil {
		l = &ledger.Ledger{Name: name, Stacks: d.stacks}
		d.scopes[name] = l
	}
	return l
}

// The runtime's names of what it does, as x/exp/trace has them.
const (
	rangeGC    = "GC concurrent mark phase"
	rangeSweep = "GC incremental sweep"
)

func (d *drawer) Detail(e *wire.Detail) {
	d.begin(e.Time)
	d.fold.At(e.Time)
	at := Edge{e.Time, e.On, d.fold.Intern(e.At)}
	// Which processor sweeps is not followed: the thread does not change
	// meanwhile.
	thread := fmt.Sprintf("thread %d", e.Thread)
	switch e.Kind {
	case wire.HeapAlloc:
		d.line.Count(CounterHeap, "bytes", e.Time, int64(e.Value))
	case wire.HeapGoal:
		d.line.Count(CounterHeapGoal, "bytes", e.Time, int64(e.Value))
	case wire.Procs:
		d.line.Count(CounterProcs, "", e.Time, int64(e.Value))
	case wire.StopBegin:
		name := fmt.Sprintf("stop-the-world (%s)", d.t.String(e.Name))
		d.stops[e.Thread] = name
		d.line.Range(name, "", true, at)
	case wire.StopEnd:
		d.line.Range(d.stops[e.Thread], "", false, at)
		delete(d.stops, e.Thread)
	case wire.GCBegin, wire.GCEnd:
		d.line.Range(rangeGC, "", e.Kind == wire.GCBegin, at)
	case wire.SweepBegin, wire.SweepEnd:
		d.line.Range(rangeSweep, thread, e.Kind == wire.SweepBegin, at)
	case wire.TaskBegin:
		d.tasks[e.Value] = d.t.String(e.Name)
		d.line.Task(e.Value, d.tasks[e.Value], true, at)
	case wire.TaskEnd:
		if name, ok := d.tasks[e.Value]; ok {
			d.line.Task(e.Value, name, false, at)
			delete(d.tasks, e.Value)
		}
	case wire.RegionBegin, wire.RegionEnd:
		d.line.Region(d.t.String(e.Name), e.Kind == wire.RegionBegin, at)
	}
}

var _ wire.DetailHandler = (*drawer)(nil)
