package gotrace

import (
	"maps"
	"slices"

	"github.com/profscope/profscope/internal/ledger"
)

// A goroutine that waited from before the trace until its last moments has no
// stack for that: the runtime tells stacks of those alone that did nothing. So
// which time of a server's goroutine was a handler's is known by its stacks, but
// for that wait, which is known by the goroutine.

// serve keeps what FileOptions.Serving asks for.
func (p *fileReader) serve(t *tally, s ledger.Span) {
	if s.Stack != 0 {
		t.serves = t.serves || p.serves(s.Stack)
		return
	}
	k := ledger.Key{State: s.State, Reason: s.Reason, Role: s.Role}
	i := slices.IndexFunc(t.unplaced, func(e ledger.Entry) bool { return e.Key == k })
	if i < 0 {
		i = len(t.unplaced)
		t.unplaced = append(t.unplaced, ledger.Entry{Key: k})
	}
	t.unplaced[i].Nanos += s.Nanos()
	t.unplaced[i].Spans++
}

func (p *fileReader) serves(at ledger.StackID) bool {
	if at == 0 {
		return false
	}
	is, known := p.serving[at]
	if !known {
		stacks := p.f.Whole.Stacks
		is = slices.Contains(p.o.Serving, stacks.FrameOf(stacks.Leaf(at)).Func) || p.serves(stacks.Parent(at))
		if p.serving == nil {
			p.serving = make(map[ledger.StackID]bool)
		}
		p.serving[at] = is
	}
	return is
}

// unplaced sums up what serve kept.
func (p *fileReader) unplaced() {
	if len(p.o.Serving) == 0 {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(p.f.tallies)) {
		if t := p.f.tallies[id]; t.serves {
			p.f.Unplaced = append(p.f.Unplaced, t.unplaced...)
		}
	}
}
