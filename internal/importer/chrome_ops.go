package importer

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/profscope/profscope/internal/ledger"
)

func percent(part, whole int64) string {
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

// opNode is a call on the CPU with the calls below it.
type opNode struct {
	e              *slice
	parent         int32 // -1: none
	children       int32
	childCPU       int64
	kernels, below int64 // device time of its own, and with that of all below
	gone           bool
}

type opRow struct {
	name                                string
	device                              bool
	count                               int64
	cpu, selfCPU, selfDevice, allDevice int64
}

// opRows computes what torch's key_averages does, from
// torch/autograd/profiler_util.py's definitions:
//
//  1. operators, annotations, API calls and overheads nest by time and thread;
//  2. a kernel belongs to the operator of its External id;
//  3. an only child of its parent's own name is its parent, with its kernels;
//  4. a name's times are the sums over its calls, in recursion too.
//
// torch has overheads on the thread whose work they held up, and gives them the
// kernels of the operator around them once more.
func (t *ChromeTrace) opRows() (rows []opRow, unbooked int64) {
	device := make(map[uint32]int64)
	var cpu []*slice
	var threads []*slice // for overheads: the calls, by begin
	for i := range t.events {
		e := &t.events[i]
		switch {
		case e.cat.device():
			device[e.ext] += e.dur
		case e.cat == catOp, e.cat == catAnnotation, e.cat == catRuntime, e.cat == catDriver:
			cpu = append(cpu, e)
			threads = append(threads, e)
		}
	}
	slices.SortStableFunc(threads, func(a, b *slice) int { return cmp.Compare(a.ts, b.ts) })
	own := make(map[*slice]uint32) // threads of overheads
	for i := range t.events {
		e := &t.events[i]
		if e.cat != catOverhead {
			continue
		}
		own[e] = e.thread
		at, _ := slices.BinarySearchFunc(threads, e.ts, func(s *slice, ts int64) int {
			if s.ts <= ts {
				return -1
			}
			return 1
		})
		for j := at - 1; j >= 0 && j > at-1000; j-- {
			if threads[j].end() >= e.end() {
				own[e] = threads[j].thread
				break
			}
		}
		cpu = append(cpu, e)
	}
	threadOf := func(e *slice) uint32 {
		if e.cat == catOverhead {
			return own[e]
		}
		return e.thread
	}
	slices.SortStableFunc(cpu, func(a, b *slice) int {
		return cmp.Or(cmp.Compare(threadOf(a), threadOf(b)), cmp.Compare(a.ts, b.ts), cmp.Compare(b.dur, a.dur))
	})
	nodes := make([]opNode, len(cpu))
	booked := make(map[uint32]bool)
	var stack []int32
	for i, e := range cpu {
		n := &nodes[i]
		n.e, n.parent = e, -1
		if i > 0 && threadOf(e) != threadOf(cpu[i-1]) {
			stack = stack[:0]
		}
		for len(stack) > 0 {
			p := nodes[stack[len(stack)-1]].e
			if e.ts < p.end() && e.end() <= p.end() {
				n.parent = stack[len(stack)-1]
				break
			}
			stack = stack[:len(stack)-1]
		}
		stack = append(stack, int32(i))
		switch {
		case (e.cat == catOp || e.cat == catAnnotation) && e.ext != 0 && !booked[e.ext]:
			n.kernels = device[e.ext]
			booked[e.ext] = true
		case e.cat == catOverhead:
			for p := n.parent; p >= 0; p = nodes[p].parent {
				if c := nodes[p].e; c.ext != 0 {
					n.kernels = device[c.ext]
					break
				}
			}
		}
	}
	for i := range nodes {
		if p := nodes[i].parent; p >= 0 {
			nodes[p].children++
			nodes[p].childCPU += nodes[i].e.dur
		}
	}
	// A parent stands before its children, so that one pass from the end
	// lifts chains of equal names too.
	for i := len(nodes) - 1; i >= 0; i-- {
		n := &nodes[i]
		if n.parent < 0 {
			continue
		}
		if p := &nodes[n.parent]; p.children == 1 && p.e.name == n.e.name {
			p.kernels += n.kernels
			p.childCPU = n.childCPU
			p.below += n.below
			p.children = n.children
			n.gone = true
			continue
		}
		nodes[n.parent].below += n.below + n.kernels
	}
	type key struct {
		name   uint32
		device bool
	}
	at := make(map[key]int)
	row := func(e *slice, device bool) *opRow {
		k := key{e.name, device}
		i, ok := at[k]
		if !ok {
			i = len(rows)
			at[k] = i
			rows = append(rows, opRow{name: t.names[e.name], device: device})
		}
		rows[i].count++
		return &rows[i]
	}
	for i := range nodes {
		if n := &nodes[i]; !n.gone {
			r := row(n.e, false)
			r.cpu += n.e.dur
			r.selfCPU += n.e.dur - n.childCPU
			r.selfDevice += n.kernels
			r.allDevice += n.kernels + n.below
		}
	}
	for i := range t.events {
		e := &t.events[i]
		if e.cat.device() || e.cat == catGPUAnnotation {
			r := row(e, true)
			r.selfDevice += e.dur
			r.allDevice += e.dur
		}
		if e.cat.device() && !booked[e.ext] {
			unbooked += e.dur
		}
	}
	return rows, unbooked
}

const unbookedName = "(device work of no operator: CUDA graphs)"

func (t *ChromeTrace) ops() *ledger.Report {
	r := &ledger.Report{Name: "ops", Title: "Operators", Columns: []ledger.Column{
		{Name: "Calls", Kind: ledger.Count}, {Name: "CPU Total (ns)", Kind: ledger.Nanos}, {Name: "CPU Self (ns)", Kind: ledger.Nanos},
		{Name: "Device Self (ns)", Kind: ledger.Nanos}, {Name: "Device Total (ns)", Kind: ledger.Nanos}, {Name: "On"}, {Name: "Name"}}}
	if !t.Torch {
		return r
	}
	rows, unbooked := t.opRows()
	if unbooked > 0 {
		rows = append(rows, opRow{name: unbookedName, selfDevice: unbooked, allDevice: unbooked})
	}
	slices.SortStableFunc(rows, func(a, b opRow) int {
		return cmp.Or(cmp.Compare(b.cpu, a.cpu), cmp.Compare(b.allDevice, a.allDevice), cmp.Compare(a.name, b.name))
	})
	for _, o := range rows {
		on := "CPU"
		if o.device {
			on = "device"
		}
		r.Rows = append(r.Rows, []ledger.Value{{Int: o.count}, {Float: float64(o.cpu)}, {Float: float64(o.selfCPU)},
			{Float: float64(o.selfDevice)}, {Float: float64(o.allDevice)}, {Text: on}, {Text: o.name}})
	}
	r.Notes = []string{"As torch's key_averages has them: overheads carry the device time of the operator around them once more."}
	return r
}
