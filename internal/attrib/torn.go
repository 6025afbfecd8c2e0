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
//   - Of CPU samples taken where the runtime cannot walk the stack at all, there
//     is only a function and one of its systemRoots.
//
// A member's floor is a stack of which it is known that it is still there: the
// function that opened the scope and has not ended it, the one that joined and
// has not left, or the function with which a spawned goroutine began. What has its callers and not itself is torn,
// and hung on it. A caller that is missing further up cannot be told.

// systemRoots are what the runtime puts at the root of such samples; see
// sigprof in runtime/proc.go.
var systemRoots = map[string]bool{
	"runtime._System":                    true,
	"runtime._GC":                        true,
	"runtime._ExternalCode":              true,
	"runtime._LostExternalCode":          true,
	"runtime._LostSIGPROFDuringAtomic64": true,
	"runtime._LostContendedRuntimeLock":  true,
	"runtime._VDSO":                      true,
}

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
// it has only one of the systemRoots.
func (f *Fold) ground(g *goroutine, at ledger.StackID) ledger.StackID {
	if d := f.Depth(at); d == 0 || d > 2 || !systemRoots[f.Root(at)] {
		return at
	}
	var highest ledger.StackID
	for i := range g.members {
		if floor := g.members[i].floor; f.Depth(floor) > f.Depth(highest) {
			highest = floor
		}
	}
	return f.under(highest, at)
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
