package gotrace

import (
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
	t.unplaced.Add(ledger.Key{State: s.State, Reason: s.Reason, Role: s.Role}, s.Nanos())
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
	for _, t := range p.f.tallies {
		if t.serves {
			p.f.Unplaced.Merge(&t.unplaced, 0)
		}
	}
}
