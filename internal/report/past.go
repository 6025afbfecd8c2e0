package report

import (
	"fmt"
	"time"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/ledger"
)

// What is kept of a time before anybody asked is read apart from the running
// recording, with a fold and stacks of its own, and added to a ledger: so that
// it neither waits for the analysis nor holds it up.

// pastSource is a trace that is there already.
type pastSource struct{ b []byte }

func (s *pastSource) Next() ([]byte, bool) {
	b := s.b
	s.b = nil
	return b, len(b) > 0
}

func (*pastSource) Done([]byte) {}

// AddPast adds to d, which is of the whole process, what the trace has of the
// time from one moment to another, and returns how much that was.
func (e *Engine) AddPast(d *Destination, trace []byte, from, to int64) (time.Duration, error) {
	l := &ledger.Ledger{Stacks: ledger.NewStacks(), Whole: true}
	f := attrib.NewFold(l.Stacks, func(uint64) *attrib.Door { return nil }, startLine)
	begin, ok, err := attrib.ReadWindow(&pastSource{trace}, f, &attrib.Door{Ledger: l, Whole: true, Unstitched: true}, from, to)
	if !ok {
		return 0, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	d.ledger.Elapsed += l.Elapsed
	for r, n := range l.Goroutines { // mostly those that are there still
		d.ledger.Goroutines[r] = max(d.ledger.Goroutines[r], n)
	}
	addBook(d.ledger, l)
	d.past += to - begin
	d.booked++
	e.reg.Lock()
	d.note(fmt.Sprintf("The %v before its start are in it too.", time.Duration(to-begin).Round(time.Millisecond)))
	e.reg.Unlock()
	return time.Duration(to - begin), err
}

// PastCall is where a call belongs that was kept, and what its door wishes.
type PastCall struct {
	Dest    *Destination
	Options *Options
}

// AddPastCalls adds to their destinations the scopes of the tasks given, which
// the trace shows from begin to end, and returns how many of them it did. Whether
// they are slow enough has been decided.
func (e *Engine) AddPastCalls(trace []byte, tasks map[uint64]PastCall) (n int, err error) {
	stacks := ledger.NewStacks()
	doors := make(map[uint64]*attrib.Door)
	for task, p := range tasks {
		doors[task] = &attrib.Door{Ledger: &ledger.Ledger{Stacks: stacks}, Unstitched: p.Options.Unstitched}
		if p.Options.OnCall != nil {
			doors[task].Done = func(c *attrib.Call) { e.calls.put(p.Options.OnCall, callStats(stacks, c)) }
		}
	}
	f := attrib.NewFold(stacks, func(task uint64) *attrib.Door { return doors[task] }, startLine)
	err = attrib.Read(&pastSource{trace}, f)
	e.mu.Lock()
	defer e.mu.Unlock()
	for task, p := range tasks {
		d, l := p.Dest, doors[task].Ledger
		if l.Calls == 0 {
			continue
		}
		n++
		d.pastCalls += l.Calls
		d.ledger.Calls += l.Calls
		d.ledger.Kept += l.Kept
		d.ledger.KeptCalls += l.KeptCalls
		d.ledger.Lengths.Record(l.Lengths.Sum())
		d.ledger.Elapsed += l.Elapsed
		d.ledger.OutsideWait += l.OutsideWait
		for r, n := range l.Goroutines {
			d.ledger.Goroutines[r] += n
		}
		if d.ledger.Name == "" {
			d.ledger.Name = l.Name
		}
		addBook(d.ledger, l)
		d.booked++
	}
	return n, err
}

// addBook adds what l has booked, whose stacks are of another table.
func addBook(to, l *ledger.Ledger) {
	known := make(map[ledger.StackID]ledger.StackID)
	for _, x := range l.Book.Entries() {
		id, ok := known[x.Stack]
		if !ok {
			frames := l.Stacks.Frames(x.Stack)
			for i := len(frames) - 1; i >= 0; i-- {
				id = to.Stacks.Push(id, to.Stacks.Frame(frames[i]))
			}
			known[x.Stack] = id
		}
		x.Stack, x.Reason = id, to.Stacks.Reason(l.Stacks.ReasonOf(x.Reason))
		to.Book.Put(x)
	}
	for r, ns := range l.Inside {
		to.Inside[r] += ns
	}
}

// Past returns how much of d was before its start.
func (e *Engine) Past(d *Destination) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Duration(d.past)
}
