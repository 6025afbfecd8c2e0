package attrib

import (
	"strings"

	"github.com/profscope/profscope/internal/ledger"
)

// Two kinds of stacks have lost frames in the middle, and with them their place
// in the tree:
//
//   - Of a goroutine that is interrupted in a small function, one that calls
//     nothing and so has no frame, the tracer, which follows frame pointers,
//     misses that function's caller.
//   - Of CPU samples taken where the runtime cannot walk the stack, there are a
//     function or two at its top, and sometimes a word for what that is
//     (runtime._System and others, see sigprof in runtime/proc.go).
//
// A member's floor is a stack of which it is known that it is still there: the
// function that opened the scope and has not ended it, the one that joined and
// has not left, or the function with which a spawned goroutine began. What has
// its callers and not itself is torn, and hung on it. A caller that is missing
// further up cannot be told.

// mend returns the stack at which g was interrupted, hung on the floor from
// which it is torn.
func (f *Fold) mend(g *goroutine, at ledger.StackID) ledger.StackID {
	if at == 0 {
		return 0
	}
	for i := range g.members {
		floor := g.members[i].floor
		if floor == 0 || f.Parent(at) != f.Parent(floor) {
			continue
		}
		leaf := f.Leaf(at)
		if f.FrameOf(leaf).Func != f.FrameOf(f.Leaf(floor)).Func {
			return f.Push(floor, leaf)
		}
	}
	return at
}

// ground returns the stack of a CPU sample of g, hung on the highest floor if
// it does not begin where that does: a goroutine begins with one function.
func (f *Fold) ground(g *goroutine, at ledger.StackID) ledger.StackID {
	highest := f.highestFloor(g)
	if at == 0 || highest == 0 {
		return at
	}
	root, whole := f.Root(at), f.Root(highest)
	if root == whole || root == cutFrame.Func || whole == cutFrame.Func {
		return at
	}
	return f.under(highest, at)
}

// highestFloor returns the longest stack that g has not left, 0 if none is known.
func (f *Fold) highestFloor(g *goroutine) (highest ledger.StackID) {
	for i := range g.members {
		if floor := g.members[i].floor; f.Depth(floor) > f.Depth(highest) {
			highest = floor
		}
	}
	return highest
}

// floorOf returns the floor of a goroutine that began with the stack start. The
// wrapper that the compiler makes of a go statement with arguments is in no
// other stack.
func (f *Fold) floorOf(start ledger.StackID) ledger.StackID {
	if start == 0 || strings.Contains(f.FrameOf(f.Leaf(start)).Func, ".gowrap") {
		return 0
	}
	return start
}
