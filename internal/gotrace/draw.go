package gotrace

import (
	"fmt"
	"strings"

	"github.com/profscope/profscope/internal/attrib"
	"golang.org/x/exp/trace"
)

// draw draws what the fold does not book: before the window edges alone, of
// what may go on in it.
func (p *fileReader) draw(ev *fileEvent) {
	if ev.isEdge() {
		p.drawEdge(ev, p.edge(&ev.Event))
	} else if p.inside {
		p.drawEvent(ev, p.edge(&ev.Event))
	}
}

func (p *fileReader) edge(e *trace.Event) attrib.Edge {
	return attrib.Edge{Time: int64(e.Time()), Goroutine: int64(e.Goroutine()), Stack: p.fold.Intern(p.x.standing(e))}
}

func (p *fileReader) drawEvent(ev *fileEvent, at attrib.Edge) {
	d, e := p.line, &ev.Event
	switch ev.kind {
	case trace.EventStateTransition:
		if st := &ev.changed; st.Resource.Kind == trace.ResourceGoroutine {
			if from, to := st.Goroutine(); int(from) < len(xStates) && int(to) < len(xStates) {
				d.Change(int64(st.Resource.Goroutine()), xStates[from], xStates[to], p.fold.Now())
			}
		}
	case trace.EventStackSample:
		d.Sample(at.Time, at.Goroutine, int64(e.Thread()), at.Stack)
	case trace.EventMetric:
		if m := e.Metric(); m.Value.Kind() == trace.ValueUint64 {
			name, unit := counter(m.Name)
			d.Count(name, unit, at.Time, int64(m.Value.Uint64()))
		}
	}
}

func (p *fileReader) drawEdge(ev *fileEvent, at attrib.Edge) {
	d, e := p.line, &ev.Event
	switch ev.kind {
	case trace.EventRangeBegin, trace.EventRangeActive, trace.EventRangeEnd:
		r := &ev.ranged
		if r.Name == attrib.ReasonAssist {
			return // a reason of running
		}
		owner := ""
		if r.Scope.Kind == trace.ResourceProc {
			owner = fmt.Sprintf("P%d", r.Scope.Proc())
		}
		d.Range(r.Name, owner, ev.kind != trace.EventRangeEnd, at)
	case trace.EventTaskBegin, trace.EventTaskEnd:
		tk := &ev.task
		d.Task(uint64(tk.ID), tk.Type, ev.kind == trace.EventTaskBegin, at)
	case trace.EventRegionBegin, trace.EventRegionEnd:
		d.Region(e.Region().Type, ev.kind == trace.EventRegionBegin, at)
	case trace.EventLog:
		p.drawLog(e.Log(), at)
	}
}

func (p *fileReader) drawLog(lg trace.Log, at attrib.Edge) {
	switch lg.Category {
	case CategoryRegionBegin, CategoryRegionEnd:
		p.line.Region(lg.Message, lg.Category == CategoryRegionBegin, at)
	case attrib.CategoryBegin, attrib.CategoryEnd:
		if door := p.doors[uint64(lg.Task)]; door != nil {
			p.line.Scope(uint64(lg.Task), door.Ledger.Name, lg.Category == attrib.CategoryBegin, at)
		}
	case attrib.CategoryName, attrib.CategoryJoin, attrib.CategoryLeave:
	default:
		if !p.inside {
			return
		}
		p.line.Log(lg.Category, lg.Message, at)
	}
}

// counter returns what a metric of runtime/metrics is called in a timeline.
func counter(metric string) (name, unit string) {
	if strings.HasSuffix(metric, ":bytes") {
		unit = "bytes"
	}
	switch metric {
	case "/memory/classes/heap/objects:bytes":
		metric = attrib.CounterHeap
	case "/gc/heap/goal:bytes":
		metric = attrib.CounterHeapGoal
	case "/sched/gomaxprocs:threads":
		metric = attrib.CounterProcs
	}
	return metric, unit
}
