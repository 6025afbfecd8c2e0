package gotrace

import (
	"strings"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
	"golang.org/x/exp/trace"
)

// Events gives a fold the events of x/exp/trace, one at a time. To the fold it
// is a table whose ids are places in stacks and texts, which the event at hand
// fills.
type Events struct {
	fold   *attrib.Fold
	stacks [3]trace.Stack // 0 is none
	texts  [3]string

	// What the stacks of the generation have turned out to be; they are names
	// that are valid in it alone.
	found map[trace.Stack]ledger.StackID
	alien map[trace.Stack]bool
	raw   []wire.Frame

	tr wire.Transition
	lg wire.Log
	sm wire.Sample
	as wire.Assist
}

// NewEvents returns what gives f events.
func NewEvents(f *attrib.Fold) *Events {
	x := &Events{fold: f, found: make(map[trace.Stack]ledger.StackID), alien: make(map[trace.Stack]bool)}
	f.SetTable(x)
	return x
}

const (
	slotAt  = 1
	slotOwn = 2

	slotCategory = 1 // or the reason
	slotMessage  = 2
)

func (x *Events) frames(h trace.Stack) []wire.Frame {
	x.raw = x.raw[:0]
	for f := range h.Frames() {
		if f.Func == "" && f.File == "" {
			continue // old traces have such, at the root of the runtime's own
		}
		x.raw = append(x.raw, wire.Frame{PC: f.PC, Func: f.Func, File: f.File, Line: f.Line})
	}
	return x.raw
}

// Stack, Foreign, Text and HasPrefix make it an attrib.Table.
func (x *Events) Stack(c attrib.Cleaner, slot wire.StackID) ledger.StackID {
	h := x.stacks[slot]
	if h == trace.NoStack {
		return 0
	}
	id, ok := x.found[h]
	if !ok {
		id = c.Clean(x.frames(h))
		x.found[h] = id
	}
	return id
}

func (x *Events) Foreign(slot wire.StackID) bool {
	h := x.stacks[slot]
	if h == trace.NoStack {
		return false
	}
	v, ok := x.alien[h]
	if !ok {
		v = attrib.IsForeign(x.frames(h))
		x.alien[h] = v
	}
	return v
}

// ForeignRoot is for attrib.Table.
func (x *Events) ForeignRoot(slot wire.StackID) bool {
	h := x.stacks[slot]
	return h != trace.NoStack && attrib.IsForeignRoot(x.frames(h))
}

func (x *Events) Text(slot wire.StringID) string { return x.texts[slot] }

func (x *Events) HasPrefix(slot wire.StringID, prefix string) bool {
	return strings.HasPrefix(x.texts[slot], prefix)
}

// put remembers a stack and returns its id.
func (x *Events) put(slot wire.StackID, h trace.Stack) wire.StackID {
	x.stacks[slot] = h
	if h == trace.NoStack {
		return 0
	}
	return slot
}

func (x *Events) say(slot wire.StringID, s string) wire.StringID {
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

// Event takes the next event of the trace.
func (x *Events) Event(e *trace.Event) {
	f, t := x.fold, int64(e.Time())
	switch e.Kind() {
	case trace.EventStateTransition:
		st := e.StateTransition()
		x.change(e, &st)
	case trace.EventStackSample:
		x.sm = wire.Sample{Time: t, On: int64(e.Goroutine()), At: x.put(slotAt, e.Stack())}
		f.Sample(&x.sm)
	case trace.EventLog:
		lg := e.Log()
		x.lg = wire.Log{
			Time: t, On: int64(e.Goroutine()), Task: uint64(lg.Task),
			Category: x.say(slotCategory, lg.Category), Message: x.say(slotMessage, lg.Message),
			At: x.put(slotAt, e.Stack()),
		}
		f.Log(&x.lg)
	case trace.EventRangeBegin, trace.EventRangeActive, trace.EventRangeEnd:
		r := e.Range()
		x.ranged(e, &r)
	case trace.EventSync:
		clear(x.found)
		clear(x.alien)
		f.NextGeneration(x)
	}
}

// change takes an event that is a change of state, with what it says.
func (x *Events) change(e *trace.Event, st *trace.StateTransition) {
	if x.transition(e, st) {
		x.fold.Transition(&x.tr)
	}
}

// late is change for an event after the window.
func (x *Events) late(e *trace.Event, st *trace.StateTransition) {
	if x.transition(e, st) {
		x.fold.Late(&x.tr)
	}
}

// transition makes tr of an event, if it is one of a goroutine.
func (x *Events) transition(e *trace.Event, st *trace.StateTransition) bool {
	if st.Resource.Kind != trace.ResourceGoroutine {
		return false
	}
	from, to := st.Goroutine()
	if int(from) >= len(xStates) || int(to) >= len(xStates) {
		return false
	}
	x.tr = wire.Transition{
		Time: int64(e.Time()), Goroutine: int64(st.Resource.Goroutine()), On: int64(e.Goroutine()),
		From: xStates[from], To: xStates[to],
		Reason: x.say(slotCategory, st.Reason),
		At:     x.put(slotAt, e.Stack()), Own: x.put(slotOwn, st.Stack),
	}
	return true
}

// ranged takes an event that is an edge of a range, with what it says.
func (x *Events) ranged(e *trace.Event, r *trace.Range) {
	t := int64(e.Time())
	if r.Scope.Kind != trace.ResourceGoroutine || r.Name != attrib.ReasonAssist {
		return
	}
	x.as = wire.Assist{Time: t, Goroutine: int64(r.Scope.Goroutine()), Begin: e.Kind() != trace.EventRangeEnd, At: x.put(slotAt, e.Stack())}
	x.fold.Assist(&x.as)
}

// standing returns the id of the stack at which e happened, valid until the
// next event.
func (x *Events) standing(e *trace.Event) wire.StackID { return x.put(slotAt, e.Stack()) }
