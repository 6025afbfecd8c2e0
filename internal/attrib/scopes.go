package attrib

import (
	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// What follows is for readers of traces that make scopes of more than
// profscope's own marks: of tasks and regions.

// At lets time pass up to t, and returns the time that it is then: it never
// runs backwards.
func (f *Fold) At(t int64) int64 { return f.at(t) }

// Open opens a scope now, under a task id that no mark has, on the goroutine
// on, which runs and stands at that stack.
func (f *Fold) Open(task uint64, d *Door, on int64, at wire.StackID) {
	f.begin(task, d, f.running(on, f.now, at), f.now)
}

// Close ends it now.
func (f *Fold) Close(task uint64) { f.end(task, f.now) }

// Mark tells where a goroutine that runs stands now.
func (f *Fold) Mark(on int64, at wire.StackID) {
	if g := f.gs.Get(on); g != nil {
		f.mark(g, f.now, at)
	}
}

// Cancel closes a scope as if it had never been. Other scopes of its call
// stay.
func (f *Fold) Cancel(task uint64) {
	s, ok := f.open[task]
	if !ok {
		return
	}
	s.call.Calls--
	if len(s.call.open) > 1 {
		d := *s.door
		d.Ended = nil
		f.end(task, f.now)
		return
	}
	// The call ends into a ledger that nobody sees.
	d := *s.door
	d.Ledger, d.Done, d.Ended = &ledger.Ledger{Stacks: f.Stacks}, nil, nil
	s.call.Door, s.door = &d, &d
	f.open[task] = s
	f.end(task, f.now)
}

// Intern returns the cleaned stack that an id of the generation at hand names.
func (f *Fold) Intern(id wire.StackID) ledger.StackID { return f.intern(id) }

// Root returns the outermost function of a stack, "" for the empty one.
func (t *stacks) Root(at ledger.StackID) string {
	if at == 0 {
		return ""
	}
	for p := t.Parent(at); p != 0; p = t.Parent(at) {
		at = p
	}
	return t.FrameOf(t.Leaf(at)).Func
}
