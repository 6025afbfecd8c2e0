package attrib

import (
	"strings"

	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
	"golang.org/x/exp/trace"
)

// xTable stands for one event of x/exp/trace at a time: its ids are places in
// stacks and texts, which the event fills.
type xTable struct {
	stacks [3]trace.Stack // 0 is none
	texts  [3]string

	// What the stacks of the generation have turned out to be; they are names
	// that are valid in it alone.
	found map[trace.Stack]ledger.StackID
	alien map[trace.Stack]bool
	raw   []wire.Frame

	tr wire.Transition
	lg wire.Log
}

const (
	slotAt  = 1
	slotOwn = 2

	slotCategory = 1 // or the reason
	slotMessage  = 2
)

func (x *xTable) next() {
	clear(x.found)
	clear(x.alien)
}

func (x *xTable) frames(h trace.Stack) []wire.Frame {
	x.raw = x.raw[:0]
	for f := range h.Frames() {
		x.raw = append(x.raw, wire.Frame{PC: f.PC, Func: f.Func, File: f.File, Line: f.Line})
	}
	return x.raw
}

func (x *xTable) stack(t *stacks, slot wire.StackID) ledger.StackID {
	h := x.stacks[slot]
	if h == trace.NoStack {
		return 0
	}
	id, ok := x.found[h]
	if !ok {
		id = t.clean(x.frames(h))
		x.found[h] = id
	}
	return id
}

func (x *xTable) foreign(_ *stacks, slot wire.StackID) bool {
	h := x.stacks[slot]
	if h == trace.NoStack {
		return false
	}
	v, ok := x.alien[h]
	if !ok {
		v = hasForeign(x.frames(h))
		x.alien[h] = v
	}
	return v
}

func (x *xTable) foreignRoot(slot wire.StackID) bool {
	h := x.stacks[slot]
	return h != trace.NoStack && foreignRoot(x.frames(h))
}

func (x *xTable) text(slot wire.StringID) string { return x.texts[slot] }

func (x *xTable) ours(slot wire.StringID) bool { return strings.HasPrefix(x.texts[slot], oursPrefix) }

// put remembers a stack and returns its id.
func (x *xTable) put(slot wire.StackID, h trace.Stack) wire.StackID {
	x.stacks[slot] = h
	if h == trace.NoStack {
		return 0
	}
	return slot
}

func (x *xTable) say(slot wire.StringID, s string) wire.StringID {
	x.texts[slot] = s
	if s == "" {
		return 0
	}
	return slot
}

// xStates maps the states of x/exp/trace.
var xStates = [...]wire.State{
	trace.GoUndetermined: wire.Undetermined,
	trace.GoNotExist:     wire.NotExist,
	trace.GoRunnable:     wire.Runnable,
	trace.GoRunning:      wire.Running,
	trace.GoWaiting:      wire.Waiting,
	trace.GoSyscall:      wire.Syscall,
}

// Event takes the next event of a trace that x/exp/trace reads.
func (f *Fold) Event(e *trace.Event) {
	x := &f.x
	f.table = x
	switch e.Kind() {
	case trace.EventStateTransition:
		st := e.StateTransition()
		f.changed(e, &st)
	case trace.EventStackSample:
		f.sampled(int64(e.Goroutine()), x.put(slotAt, e.Stack()))
	case trace.EventLog:
		f.at(int64(e.Time()))
		lg := e.Log()
		x.lg = wire.Log{
			Time: f.now, On: int64(e.Goroutine()), Task: uint64(lg.Task),
			Category: x.say(slotCategory, lg.Category), Message: x.say(slotMessage, lg.Message),
			At: x.put(slotAt, e.Stack()),
		}
		f.log(&x.lg)
	case trace.EventRangeBegin, trace.EventRangeActive, trace.EventRangeEnd:
		f.at(int64(e.Time()))
		if f.gs.Len() == 0 {
			return
		}
		r := e.Range()
		if r.Scope.Kind == trace.ResourceGoroutine && r.Name == reasonAssist {
			f.assist(int64(r.Scope.Goroutine()), e.Kind() != trace.EventRangeEnd, x.put(slotAt, e.Stack()))
		}
	case trace.EventSync:
		f.nextGeneration()
	}
}

// changed takes an event that is a change of state.
func (f *Fold) changed(e *trace.Event, st *trace.StateTransition) {
	x := &f.x
	f.table = x
	f.at(int64(e.Time()))
	if st.Resource.Kind != trace.ResourceGoroutine {
		return
	}
	from, to := st.Goroutine()
	if int(from) >= len(xStates) || int(to) >= len(xStates) {
		return
	}
	x.tr = wire.Transition{
		Time: f.now, Goroutine: int64(st.Resource.Goroutine()), On: int64(e.Goroutine()),
		From: xStates[from], To: xStates[to],
		Reason: x.say(slotCategory, st.Reason),
		At:     x.put(slotAt, e.Stack()), Own: x.put(slotOwn, st.Stack),
	}
	f.transition(&x.tr)
}

// standing returns the id of the stack at which e happened, valid until the
// next event.
func (f *Fold) standing(e *trace.Event) wire.StackID {
	f.table = &f.x
	return f.x.put(slotAt, e.Stack())
}
