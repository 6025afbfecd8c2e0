package importer

import (
	"container/heap"
	"math"
	"slices"

	"github.com/google/pprof/profile"
)

// maxPyPaths bounds the tree of estimated paths.
const maxPyPaths = 20_000

// Profile makes stacks of what has none. A file of cProfile knows, for each
// function, how long it ran itself, and how much of that for each of its
// callers; who called the caller at that time it does not know. So:
//
//   - self (the default) has the functions' own times. What a function took
//     for one caller is exact, and no pair of caller and callee is there that
//     the file has not. Where the caller was called from several places the
//     path above it is an estimate: the time is shared out by how much time
//     the caller took for each. Such samples have the label path=estimated. A
//     function's flat time is exact; its cumulative time here is an estimate.
//   - cumulative has a stack of one frame for each function: its flat time is
//     what pstats calls cumtime, exactly.
//   - calls has the calls for each caller, exactly.
//
// The paths are found from the roots on, the most time first:
//
//  1. An edge is a pair of caller and callee, or a root: time of a function
//     that no caller accounts for.
//  2. A node is an edge at the end of a path. Its weight is its share of the
//     time of the node above it. No path has a function twice.
//  3. An edge's own time goes to its nodes by weight, to the nanosecond; if it
//     has none, since all paths to it are circles, to a path of the two.
func (s *PyStats) Profile() *profile.Profile {
	b := newBuilder(&profile.ValueType{Type: "self", Unit: "nanoseconds"},
		&profile.ValueType{Type: "cumulative", Unit: "nanoseconds"}, &profile.ValueType{Type: "calls", Unit: "count"})
	b.p.DefaultSampleType = "self"
	b.p.Comments = append(b.p.Comments, "source: Python cProfile, which knows callers and no stacks",
		"self: flat times are exact, paths above a function's caller are estimated (label path=estimated), and so are cumulative times",
		"cumulative: the flat time of each function is its exact cumulative time")
	g := newPyGraph(s)
	g.grow()
	for i := range g.edges {
		g.deal(b, i)
	}
	for i := range s.Rows {
		r := &s.Rows[i]
		loc := b.location(g.frames[i])
		b.add([]*profile.Location{loc}, []int64{0, nanos(r.Cum), 0}, map[string][]string{"kind": {"cumulative"}})
	}
	return b.p
}

func nanos(seconds float64) int64 { return int64(math.Round(seconds * 1e9)) }

type pyEdge struct {
	caller, callee int // indexes of rows; caller -1 for a root
	self, cum      int64
	calls          int64
	nodes          []int
}

type pyNode struct {
	edge   int
	parent int // -1 for a root
	weight float64
}

type pyGraph struct {
	rows   []PyRow
	frames []frame
	edges  []pyEdge
	out    [][]int   // edges by caller
	cum    []float64 // of the edges into a function
	nodes  []pyNode
}

func newPyGraph(s *PyStats) *pyGraph {
	g := &pyGraph{rows: s.Rows, out: make([][]int, len(s.Rows)), cum: make([]float64, len(s.Rows))}
	index := make(map[PyFunc]int, len(s.Rows))
	for i, r := range s.Rows {
		index[r.Func] = i
		f := frame{name: r.Func.Name, file: r.Func.File, line: r.Func.Line, start: r.Func.Line}
		if r.Func.File == "~" {
			f = frame{name: r.Func.String()}
		}
		g.frames = append(g.frames, f)
	}
	put := func(e pyEdge) {
		if e.caller >= 0 {
			g.out[e.caller] = append(g.out[e.caller], len(g.edges))
		}
		g.cum[e.callee] += float64(max(e.cum, 0))
		g.edges = append(g.edges, e)
	}
	for i, r := range s.Rows {
		root := pyEdge{caller: -1, callee: i, self: nanos(r.Self), cum: nanos(r.Cum), calls: r.Calls}
		for _, c := range r.Callers {
			j, ok := index[c.Func]
			if !ok {
				continue // a caller without a row of its own: a root
			}
			e := pyEdge{caller: j, callee: i, self: nanos(c.Self), cum: nanos(c.Cum), calls: c.Calls}
			root.self -= e.self
			root.cum -= e.cum
			root.calls -= e.calls
			put(e)
		}
		if len(r.Callers) == 0 || root.self != 0 || root.calls != 0 {
			put(root) // rounding makes it a nanosecond at times, and keeps flat times exact
		}
	}
	return g
}

// byWeight is the heap of nodes to be looked at.
type byWeight struct {
	g    *pyGraph
	open []int
}

func (h *byWeight) Len() int { return len(h.open) }
func (h *byWeight) Less(i, j int) bool {
	a, b := &h.g.nodes[h.open[i]], &h.g.nodes[h.open[j]]
	if a.weight != b.weight {
		return a.weight > b.weight
	}
	return h.open[i] < h.open[j]
}
func (h *byWeight) Swap(i, j int) { h.open[i], h.open[j] = h.open[j], h.open[i] }
func (h *byWeight) Push(x any)    { h.open = append(h.open, x.(int)) }
func (h *byWeight) Pop() any {
	last := len(h.open) - 1
	x := h.open[last]
	h.open = h.open[:last]
	return x
}

func (g *pyGraph) grow() {
	h := &byWeight{g: g}
	put := func(edge, parent int, weight float64) {
		g.edges[edge].nodes = append(g.edges[edge].nodes, len(g.nodes))
		g.nodes = append(g.nodes, pyNode{edge, parent, weight})
		heap.Push(h, len(g.nodes)-1)
	}
	for i, e := range g.edges {
		if e.caller < 0 {
			put(i, -1, float64(max(e.cum, 1)))
		}
	}
	for h.Len() > 0 && len(g.nodes) < maxPyPaths {
		n := heap.Pop(h).(int)
		fn := g.edges[g.nodes[n].edge].callee
		for _, e := range g.out[fn] {
			if len(g.nodes) >= maxPyPaths {
				return
			}
			if g.onPath(n, g.edges[e].callee) {
				continue
			}
			share := float64(max(g.edges[e].cum, 1)) / max(g.cum[fn], 1)
			put(e, n, g.nodes[n].weight*share)
		}
	}
}

func (g *pyGraph) onPath(n, fn int) bool {
	for ; n >= 0; n = g.nodes[n].parent {
		if g.edges[g.nodes[n].edge].callee == fn {
			return true
		}
	}
	return false
}

// deal gives an edge's time and calls to its nodes, exactly.
func (g *pyGraph) deal(b *builder, edge int) {
	e := &g.edges[edge]
	callee := b.location(g.frames[e.callee])
	if len(e.nodes) == 0 {
		b.add([]*profile.Location{callee, b.location(g.frames[e.caller])}, []int64{e.self, 0, e.calls}, nil)
		return
	}
	var sum float64
	for _, n := range e.nodes {
		sum += g.nodes[n].weight
	}
	self, calls := e.self, e.calls
	var done float64
	var dealtSelf, dealtCalls int64
	for _, n := range e.nodes {
		done += g.nodes[n].weight
		upTo := func(all int64) int64 {
			if n == e.nodes[len(e.nodes)-1] {
				return all
			}
			return int64(float64(all) * (done / sum))
		}
		s, c := upTo(self)-dealtSelf, upTo(calls)-dealtCalls
		dealtSelf += s
		dealtCalls += c
		if s == 0 && c == 0 {
			continue
		}
		stack := g.path(b, n)
		var label map[string][]string
		if len(e.nodes) > 1 && len(stack) > 2 {
			label = map[string][]string{"path": {"estimated"}}
		}
		b.add(stack, []int64{s, 0, c}, label)
	}
}

func (g *pyGraph) path(b *builder, n int) []*profile.Location {
	var stack []*profile.Location
	for ; n >= 0; n = g.nodes[n].parent {
		stack = append(stack, b.location(g.frames[g.edges[g.nodes[n].edge].callee]))
	}
	return slices.Clip(stack)
}
