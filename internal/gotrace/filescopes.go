package gotrace

import (
	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/ledger"
	"golang.org/x/exp/trace"
)

// firstNumber is where the numbers begin that stand for tasks and regions, as
// the task ids of the runtime stand for scopes of profscope.
const firstNumber = 1 << 62

// regionKey finds the begin of a region at its end: regions have no id. Where
// several of one name are open on a goroutine the innermost ends.
type regionKey struct {
	goroutine trace.GoID
	name      string
}

// scope returns the scope of that name, a new one if there is none.
func (p *fileReader) scope(kind ScopeKind, name string) *Scope {
	k := scopeName{kind, name}
	s := p.scopes[k]
	if s == nil {
		l := &ledger.Ledger{Name: name, Target: name, Stacks: p.f.Whole.Stacks}
		s = &Scope{Kind: kind, Ledger: l}
		s.door = &attrib.Door{Ledger: l, Done: func(c *attrib.Call) {
			s.Lengths.Add(c.Elapsed())
			if c.Restarted || p.past {
				s.Cut++
			}
		}}
		p.scopes[k] = s
		p.ours[l] = kind == ScopeOurs
		p.f.Scopes = append(p.f.Scopes, s)
	}
	return s
}

// before looks at an event that the fold must find prepared.
func (p *fileReader) before(e *trace.Event) {
	if e.Kind() != trace.EventLog {
		return
	}
	lg := e.Log()
	if lg.Category != attrib.CategoryName {
		return
	}
	// The scope's own task, which came first, is not one of the user's.
	if n, ok := p.tasks[lg.Task]; ok {
		p.fold.Cancel(n)
		delete(p.tasks, lg.Task)
	}
	p.doors[uint64(lg.Task)] = p.scope(ScopeOurs, lg.Message).door
}

// after makes scopes of tasks and regions, on goroutines that the fold has
// just seen.
func (p *fileReader) after(ev *fileEvent) {
	e := &ev.Event
	switch ev.kind {
	case trace.EventTaskBegin:
		p.fold.At(int64(e.Time()))
		p.tasks[ev.task.ID] = p.open(ScopeTask, ev.task.Type, e)
	case trace.EventTaskEnd:
		p.fold.At(int64(e.Time()))
		if n, ok := p.tasks[ev.task.ID]; ok {
			delete(p.tasks, ev.task.ID)
			p.close(n)
		}
	case trace.EventRegionBegin:
		p.fold.At(int64(e.Time()))
		p.beginRegion(e, e.Region().Type)
	case trace.EventRegionEnd:
		p.fold.At(int64(e.Time()))
		p.endRegion(e, e.Region().Type)
	case trace.EventLog:
		switch lg := e.Log(); lg.Category {
		case CategoryRegionBegin:
			p.beginRegion(e, lg.Message)
		case CategoryRegionEnd:
			p.endRegion(e, lg.Message)
		}
	}
}

// open opens a scope on the goroutine of the event and returns its number.
func (p *fileReader) open(kind ScopeKind, name string, e *trace.Event) uint64 {
	n := p.next
	if e.Goroutine() == trace.NoGoroutine {
		return 0
	}
	p.next++
	d := p.scope(kind, name).door
	p.doors[n] = d
	p.fold.Open(n, d, int64(e.Goroutine()), p.x.standing(e))
	return n
}

func (p *fileReader) close(n uint64) {
	p.fold.Close(n)
	delete(p.doors, n)
}

func (p *fileReader) beginRegion(e *trace.Event, name string) {
	k := regionKey{e.Goroutine(), name}
	p.region[k] = append(p.region[k], p.open(ScopeRegion, name, e))
}

// endRegion ends the innermost region of that name. One that ends on another
// goroutine than it began cannot be told from one whose begin the trace has
// not: it stays open.
func (p *fileReader) endRegion(e *trace.Event, name string) {
	k := regionKey{e.Goroutine(), name}
	open := p.region[k]
	if len(open) == 0 {
		return
	}
	n := open[len(open)-1]
	if open = open[:len(open)-1]; len(open) == 0 {
		delete(p.region, k)
	} else {
		p.region[k] = open
	}
	p.fold.Mark(int64(e.Goroutine()), p.x.standing(e))
	p.close(n)
}
