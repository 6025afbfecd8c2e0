package format

import (
	"cmp"
	"slices"

	"github.com/profscope/profscope/internal/ledger"
)

// times is time per state, over all roles.
type times [ledger.NumStates]int64

func (t *times) sum() int64 {
	var ns int64
	for _, v := range t {
		ns += v
	}
	return ns
}

func (t *times) add(o *times) {
	for i, v := range o {
		t[i] += v
	}
}

// function is one line of the list of functions.
type function struct {
	name, file string
	at         ledger.Frame // where it was seen first
	flat, cum  times
	wall       int64 // cum.sum()
	depth      int   // the least number of callers it was seen with
	seen       int   // the stack that was last added to cum
}

// sumFunctions adds up entries per function, longest cumulative time first.
// A function counts once per stack, however often recursion put it there; so
// no function has more than the total. It takes entries times depth steps.
func sumFunctions(s *ledger.Stacks, entries []ledger.Entry) []*function {
	var (
		all     []*function
		byFrame []*function // by FrameID; the table's ids are dense
		byName  = make(map[[2]string]*function)
	)
	of := func(id ledger.FrameID) *function {
		for int(id) >= len(byFrame) {
			byFrame = append(byFrame, make([]*function, int(id)+1)...)
		}
		if f := byFrame[id]; f != nil {
			return f
		}
		fr := s.FrameOf(id)
		k := [2]string{fr.Func, fr.File}
		f := byName[k]
		if f == nil {
			f = &function{name: fr.Func, file: fr.File, at: fr, seen: -1, depth: 1 << 30}
			byName[k] = f
			all = append(all, f)
		}
		byFrame[id] = f
		return f
	}

	byStack := make(map[ledger.StackID]*times)
	var order []ledger.StackID
	for i := range entries {
		e := &entries[i]
		t := byStack[e.Stack]
		if t == nil {
			t = new(times)
			byStack[e.Stack] = t
			order = append(order, e.Stack)
		}
		t[e.State] += e.Nanos
	}
	for n, id := range order {
		t := byStack[id]
		if id == 0 {
			none := &function{name: noStack, flat: *t, cum: *t}
			all = append(all, none)
			continue
		}
		of(s.Leaf(id)).flat.add(t)
		depth := s.Depth(id)
		for at := id; at != 0; at = s.Parent(at) {
			depth--
			f := of(s.Leaf(at))
			f.depth = min(f.depth, depth)
			if f.seen != n {
				f.seen = n
				f.cum.add(t)
			}
		}
	}
	all = slices.DeleteFunc(all, func(f *function) bool {
		f.wall = f.cum.sum()
		return f.wall == 0
	})
	// Callers before what they call where both have all the time: a chain of
	// calls then reads from the outside in.
	slices.SortFunc(all, func(a, b *function) int {
		return cmp.Or(cmp.Compare(b.wall, a.wall), cmp.Compare(a.depth, b.depth),
			cmp.Compare(a.name, b.name), cmp.Compare(a.file, b.file))
	})
	return all
}
