package importer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/profscope/profscope/internal/ledger"
)

// opFold computes what torch's key_averages does, from
// torch/autograd/profiler_util.py's definitions:
//
//  1. operators, annotations, API calls and overheads nest by time and thread;
//  2. a kernel belongs to the operator of its External id;
//  3. an only child of its parent's own name is its parent, with its kernels;
//  4. a name's times are the sums over its calls, in recursion too.
//
// torch has overheads on the thread whose work they held up, and gives them the
// kernels of the operator around them once more.
//
// It takes slices by thread and time, and holds those that are open.
type opFold struct {
	t      *ChromeTrace
	open   []opCall
	thread uint32
	booked map[uint64]bool
	graphs map[uint64]deviceWork // of External ids, what graph launches started
	index  map[opKey]int
	rows   []opRow

	overheads []slice // on the threads that they held up, in order
	twice     int64   // device time that overheads have once more
}

// opCall is a call on the CPU with the calls below it, as far as they ended.
type opCall struct {
	name           uint32
	cat            category
	ext            uint64
	ts, end        int64
	children       int
	childCPU       int64
	kernels, below int64  // device time of its own, and that of all below
	only           *opSum // the first child, until there is a second
}

// opSum is a call that has ended.
type opSum struct {
	name                          uint32
	dur, childCPU, kernels, below int64
}

type opKey struct {
	name   uint32
	device bool
}

type opRow struct {
	name                                string
	device                              bool
	count                               int64
	cpu, selfCPU, selfDevice, allDevice int64
}

func newOpFold(t *ChromeTrace) *opFold {
	return &opFold{t: t, booked: make(map[uint64]bool), graphs: make(map[uint64]deviceWork),
		index: make(map[opKey]int), overheads: t.heldUp()}
}

// calls tells the categories that nest; overheads do too, on other threads.
func (c category) calls() bool { return c == catOp || c == catAnnotation || c.api() }

func (o *opFold) add(e *slice) {
	switch {
	case e.cat.device():
		if l, ok := o.t.launches[e.corr]; ok && e.corr != 0 && strings.Contains(o.t.names[l.name], "GraphLaunch") {
			g := o.graphs[e.ext]
			o.graphs[e.ext] = deviceWork{g.nanos + e.dur, g.n + 1}
		}
		o.work(e)
	case e.cat == catGPUAnnotation:
		o.work(e)
	case e.cat.calls():
		for len(o.overheads) > 0 && before(&o.overheads[0], e) {
			o.call(&o.overheads[0])
			o.overheads = o.overheads[1:]
		}
		o.call(e)
	}
}

func before(a, b *slice) bool {
	return cmp.Or(cmp.Compare(a.thread, b.thread), cmp.Compare(a.ts, b.ts), cmp.Compare(b.dur, a.dur)) < 0
}

func (o *opFold) row(name uint32, device bool) *opRow {
	k := opKey{name, device}
	i, ok := o.index[k]
	if !ok {
		i = len(o.rows)
		o.index[k] = i
		o.rows = append(o.rows, opRow{name: o.t.names[name], device: device})
	}
	o.rows[i].count++
	return &o.rows[i]
}

func (o *opFold) work(e *slice) {
	r := o.row(e.name, true)
	r.selfDevice += e.dur
	r.allDevice += e.dur
}

func (o *opFold) call(e *slice) {
	if e.thread != o.thread {
		o.closeTo(0)
		o.thread = e.thread
	}
	n := len(o.open)
	for n > 0 && (e.ts >= o.open[n-1].end || e.end() > o.open[n-1].end) {
		n--
	}
	o.closeTo(n)
	c := opCall{name: e.name, cat: e.cat, ext: e.ext, ts: e.ts, end: e.end()}
	switch {
	case (e.cat == catOp || e.cat == catAnnotation) && e.ext != 0:
		if d, ok := o.t.device[e.ext]; ok && !o.booked[e.ext] {
			c.kernels = d.nanos
			o.booked[e.ext] = true
		}
	case e.cat == catOverhead:
		for i := n - 1; i >= 0; i-- {
			if ext := o.open[i].ext; ext != 0 {
				c.kernels = o.t.device[ext].nanos
				o.twice += c.kernels
				break
			}
		}
	}
	o.open = append(o.open, c)
}

// closeTo ends the calls beyond the first n, the innermost first.
func (o *opFold) closeTo(n int) {
	for i := len(o.open) - 1; i >= n; i-- {
		c := &o.open[i]
		if s := c.only; s != nil {
			c.only = nil
			if s.name == c.name {
				c.kernels += s.kernels
				c.childCPU = s.childCPU
				c.below += s.below
			} else {
				o.count(c, s)
			}
		}
		s := &opSum{c.name, c.end - c.ts, c.childCPU, c.kernels, c.below}
		if i == 0 {
			o.count(nil, s)
			continue
		}
		p := &o.open[i-1]
		p.children++
		p.childCPU += s.dur
		if p.children == 1 {
			p.only = s
			continue
		}
		if p.only != nil {
			o.count(p, p.only)
			p.only = nil
		}
		o.count(p, s)
	}
	o.open = o.open[:n]
}

// count adds a call to the row of its name.
func (o *opFold) count(parent *opCall, s *opSum) {
	if parent != nil {
		parent.below += s.below + s.kernels
	}
	r := o.row(s.name, false)
	r.cpu += s.dur
	r.selfCPU += s.dur - s.childCPU
	r.selfDevice += s.kernels
	r.allDevice += s.kernels + s.below
}

// finish ends what is open, and returns the work of the device that belongs
// to no operator: that of graphs, and any other.
func (o *opFold) finish() (graphs, others deviceWork) {
	for i := range o.overheads {
		o.call(&o.overheads[i])
	}
	o.overheads = nil
	o.closeTo(0)
	for ext, d := range o.t.device {
		if !o.booked[ext] {
			g := o.graphs[ext]
			graphs.nanos, graphs.n = graphs.nanos+g.nanos, graphs.n+g.n
			others.nanos, others.n = others.nanos+d.nanos-g.nanos, others.n+d.n-g.n
		}
	}
	return graphs, others
}

// Names of the rows for what belongs to no operator.
const (
	graphWork    = "(CUDA graphs: device work of no operator)"
	unbookedWork = "(device work of no operator)"
)

func (o *opFold) report() *ledger.Report {
	r := &ledger.Report{Name: "ops", Title: "Operators", Columns: []ledger.Column{
		{Name: "Calls", Kind: ledger.Count}, {Name: "CPU Total (ns)", Kind: ledger.Nanos}, {Name: "CPU Self (ns)", Kind: ledger.Nanos},
		{Name: "Device Self (ns)", Kind: ledger.Nanos}, {Name: "Device Total (ns)", Kind: ledger.Nanos}, {Name: "On"}, {Name: "Name"}}}
	if !o.t.Torch {
		return r
	}
	graphs, others := o.finish()
	var booked int64
	for _, row := range o.rows {
		if !row.device {
			booked += row.selfDevice
		}
	}
	for name, w := range map[string]deviceWork{graphWork: graphs, unbookedWork: others} {
		if w.n > 0 {
			o.rows = append(o.rows, opRow{name: name, count: w.n, selfDevice: w.nanos, allDevice: w.nanos})
		}
	}
	slices.SortStableFunc(o.rows, func(a, b opRow) int {
		return cmp.Or(cmp.Compare(b.cpu, a.cpu), cmp.Compare(b.allDevice, a.allDevice), cmp.Compare(a.name, b.name))
	})
	for _, row := range o.rows {
		on := "CPU"
		if row.device {
			on = "device"
		}
		r.Rows = append(r.Rows, []ledger.Value{{Int: row.count}, {Float: float64(row.cpu)}, {Float: float64(row.selfCPU)},
			{Float: float64(row.selfDevice)}, {Float: float64(row.allDevice)}, {Text: on}, {Text: row.name}})
	}
	r.Notes = append(r.Notes, fmt.Sprintf("As torch's key_averages has them. Device time: %d ns of operators, %d ns of graphs, %d ns of neither; %d ns in all.",
		booked-o.twice, graphs.nanos, others.nanos, booked-o.twice+graphs.nanos+others.nanos))
	if o.twice > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("Overheads have %d ns of device time that the operator around them has too.", o.twice))
	}
	return r
}

// heldUp returns the overheads, each on the thread whose work it held up: that
// of the call that began last among those that last as long as it does, or
// its own.
func (t *ChromeTrace) heldUp() []slice {
	if len(t.overheads) == 0 {
		return nil
	}
	over := slices.Clone(t.overheads)
	slices.SortStableFunc(over, func(a, b slice) int { return cmp.Compare(a.ts, b.ts) })
	latest := make([]int64, len(over)) // begin of the call that was found
	found := make([]bool, len(over))
	next := len(over)
	begun, thread := false, uint32(0)
	var open []slice
	until := func(ts int64, all bool) {
		for ; next < len(over) && (all || over[next].ts < ts); next++ {
			for i := len(open) - 1; i >= max(0, len(open)-maxHeldUp); i-- {
				if open[i].end() >= over[next].end() {
					if b := open[i].ts; !found[next] || b >= latest[next] {
						found[next], latest[next], over[next].thread = true, b, thread
					}
					break
				}
			}
		}
	}
	t.slices.all(func(e *slice) bool {
		if !e.cat.calls() {
			return true
		}
		if !begun || e.thread != thread {
			until(0, true)
			begun, thread, next, open = true, e.thread, 0, open[:0]
		}
		until(e.ts, false)
		for len(open) > 0 && open[len(open)-1].end() <= e.ts {
			open = open[:len(open)-1]
		}
		open = append(open, *e)
		return true
	})
	until(0, true)
	slices.SortStableFunc(over, func(a, b slice) int {
		return cmp.Or(cmp.Compare(a.thread, b.thread), cmp.Compare(a.ts, b.ts), cmp.Compare(b.dur, a.dur))
	})
	return over
}

// maxHeldUp bounds the search among calls that overlap without being nested.
const maxHeldUp = 1000
