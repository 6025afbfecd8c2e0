package session

import (
	"context"
	"reflect"
	"runtime/trace"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/internal/report"
)

// slot carries one open scope. Its task id names the scope in the trace, and
// belongs to it alone from begin to end: so an end on another goroutine finds
// its begin. Slots of a door are used again, hot functions need no new ones.
type slot struct {
	door *Door
	dest *report.Destination
	err  error           // why there is no dest, nor anything else
	ctx  context.Context // carries the task id for trace.Log
	task uint64
	own  *trace.Task // for a scope with a task of its own

	joins joinSet

	turn atomic.Uint32 // odd while open; a stale Scope has another
	rec  atomic.Int64  // the recording in which it was named last
	tick int64         // coarse time of the begin

	unseen bool // the side list had no room for the begin
}

// newSlot makes a slot. One for a single scope ends its task with it; the task
// of the others is never ended, it is there for the next call.
func (d *Door) newSlot(dest *report.Destination, once bool) *slot {
	ctx, task := trace.NewTask(context.Background(), dest.Target())
	s := &slot{door: d, dest: dest, ctx: ctx, task: taskID(task)}
	if once {
		s.own = task
	}
	rec.slots.add(s) // first: what is bound and has no slot has ended
	theEngine().Bind(s.task, dest, &d.o.Options, once)
	return s
}

func (d *Door) take() *slot {
	if s := d.last.Load(); s != nil && d.last.CompareAndSwap(s, nil) {
		return s
	}
	d.mu.Lock()
	if n := len(d.free); n > 0 {
		s := d.free[n-1]
		d.free = d.free[:n-1]
		d.mu.Unlock()
		return s
	}
	d.mu.Unlock()
	return d.newSlot(d.dest, false)
}

func (d *Door) give(s *slot) {
	if d.last.Load() == nil && d.last.CompareAndSwap(nil, s) {
		return
	}
	d.mu.Lock()
	d.free = append(d.free, s)
	d.mu.Unlock()
}

func (s *slot) open() Scope {
	traced() // or the name would not be in the trace that has the begin
	id := rec.id.Load()
	again := s.rec.Load() == id
	if !again {
		s.rec.Store(id)
		s.dest.Started(time.Now())
		if !s.door.o.NoSamples {
			rec.wantSamples()
		}
	}
	if !again || s.dest.Raw() { // which may begin with any scope
		trace.Log(s.ctx, report.CategoryName, s.dest.Target())
	}
	turn := s.turn.Add(1) // after rec: who sees it open sees since when
	s.tick = ticks.Load()
	s.unseen = !mark(s.ctx, report.CategoryBegin, "") && !rec.side.begin(s.task, &s.door.asked)
	return Scope{s, turn}
}

// taskID reads the id of a task, which runtime/trace keeps to itself; a test
// fails should the field go.
func taskID(t *trace.Task) uint64 {
	v := reflect.ValueOf(t).Elem().FieldByName("id")
	if !v.IsValid() {
		return 0
	}
	return v.Uint()
}
