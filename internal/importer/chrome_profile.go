package importer

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// Profile returns the slices as stacks: per thread, a slice that lies within
// another is called by it. All values are nanoseconds.
//
//   - gpu_kernel: time of kernels, at the stack of the API call that launched them; all
//     kernels of one graph launch are at that launch
//   - gpu_mem: the same of copies and sets of memory
//   - cpu_op: the time in an operator without the operators that it calls
//   - self: the time in a slice without the slices within it
//
// Work of the device whose launch is not in the file is at a stack of its own,
// so that all of it is counted. A trace without any of torch has wall alone.
func (t *ChromeTrace) Profile() *profile.Profile {
	types := []*profile.ValueType{{Type: "gpu_kernel", Unit: "nanoseconds"}, {Type: "gpu_mem", Unit: "nanoseconds"},
		{Type: "cpu_op", Unit: "nanoseconds"}, {Type: "self", Unit: "nanoseconds"}}
	if !t.Torch {
		types = []*profile.ValueType{{Type: "wall", Unit: "nanoseconds"}}
	}
	b := newBuilder(types...)
	b.p.DefaultSampleType = types[0].Type
	tree := &callTree{index: make(map[callKey]int32)}
	at := make(map[uint64]int32) // correlation of a launch -> call
	var stack []callOpen
	cut := false
	thread := uint32(0)
	t.slices.all(func(e *slice) bool {
		if e.cat.device() || e.cat == catGPUAnnotation {
			return true
		}
		if e.thread != thread {
			stack, thread = stack[:0], e.thread
		}
		for len(stack) > 0 && stack[len(stack)-1].end < max(e.end(), e.ts+1) {
			// What ends later than the slice around it overlaps it: it is no
			// call of it.
			stack = stack[:len(stack)-1]
		}
		if e.cat == catPython && e.parent != 0 {
			// The ids are surer than the times, where times are equal.
			for j := len(stack) - 1; j >= max(0, len(stack)-maxCalls); j-- {
				if p := &stack[j]; p.cat == catPython && p.py == e.parent {
					stack = stack[:lastNotPython(stack, j)+1]
					break
				}
			}
		}
		parent := int32(-1)
		if len(stack) > 0 {
			parent = stack[len(stack)-1].call
		}
		c := parent // what is deeper counts for the deepest call that is kept
		if len(stack) < maxCalls {
			c = tree.call(parent, e.name)
		} else {
			cut = true
		}
		tree.calls[c].self += e.dur
		if parent >= 0 {
			tree.calls[parent].self -= e.dur
		}
		if e.cat == catOp {
			tree.calls[c].op += e.dur
			for j := len(stack) - 1; j >= max(0, len(stack)-maxCalls); j-- {
				if stack[j].cat == catOp {
					tree.calls[stack[j].call].op -= e.dur
					break
				}
			}
		}
		if l, ok := t.launches[e.corr]; ok && e.corr != 0 && e.cat.api() && e.ts == l.ts {
			if _, twice := at[e.corr]; !twice {
				at[e.corr] = c
			}
		}
		if len(stack) < maxCalls {
			stack = append(stack, callOpen{e.end(), e.py, c, e.cat})
		}
		return true
	})
	if cut {
		b.p.Comments = append(b.p.Comments, "stacks deeper than 512 slices are cut: their time is that of the 512th")
	}
	b.p.TimeNanos, b.p.DurationNanos = t.BaseNano+t.first, t.last-t.first
	locations := func(c int32) (ls []*profile.Location) {
		for ; c >= 0; c = tree.calls[c].parent {
			ls = append(ls, t.location(b, tree.calls[c].name))
		}
		return ls
	}
	for i, c := range tree.calls {
		v := []int64{0, 0, c.op, c.self}
		if !t.Torch {
			v = []int64{c.self}
		}
		if c.op != 0 || c.self != 0 {
			b.add(locations(int32(i)), v, t.labels(nil))
		}
	}
	type work struct {
		call         int32
		name, detail uint32
		mem          bool
	}
	sums := make(map[work]int64)
	t.slices.all(func(e *slice) bool {
		if e.cat.device() {
			c, ok := at[e.corr]
			if !ok || e.corr == 0 {
				c = -1
			}
			// Only device and stream of the detail matter here: builder adds up.
			sums[work{c, e.name, e.detail, e.cat != catKernel}] += e.dur
		}
		return true
	})
	keys := make([]work, 0, len(sums))
	for w := range sums {
		keys = append(keys, w)
	}
	slices.SortFunc(keys, func(a, b work) int {
		return cmp.Or(cmp.Compare(a.call, b.call), cmp.Compare(a.name, b.name), cmp.Compare(a.detail, b.detail))
	})
	for _, w := range keys {
		v := []int64{sums[w], 0, 0, 0}
		if w.mem {
			v[0], v[1] = 0, v[0]
		}
		d := t.shape(&slice{detail: w.detail})
		ls := locations(w.call)
		if len(ls) == 0 {
			ls = []*profile.Location{b.location(frame{name: "(launch not in the file)"})}
		}
		b.add(ls, v, t.labels(map[string][]string{"kernel": {t.names[w.name]}, "stream": {d[shapeStream]}, "device": {d[shapeDevice]}}))
	}
	return b.p
}

func (t *ChromeTrace) labels(m map[string][]string) map[string][]string {
	if t.Rank == "" {
		return m
	}
	if m == nil {
		m = make(map[string][]string)
	}
	m["rank"] = []string{t.Rank}
	return m
}

// location splits torch's "file.py(12): name".
func (t *ChromeTrace) location(b *builder, name uint32) *profile.Location {
	n := t.names[name]
	if file, fn, ok := strings.Cut(n, "): "); ok {
		if i := strings.LastIndexByte(file, '('); i > 0 && strings.HasSuffix(file[:i], ".py") {
			line := int64(0)
			for _, c := range file[i+1:] {
				if c < '0' || c > '9' || line > 1<<30 {
					line = 0
					break
				}
				line = line*10 + int64(c-'0')
			}
			return b.location(frame{name: fn, file: file[:i], line: line, start: line})
		}
	}
	return b.location(frame{name: n})
}

// lastNotPython returns the last of stack above at that is not Python's, or at.
func lastNotPython(stack []callOpen, at int) int {
	for j := len(stack) - 1; j > at; j-- {
		if stack[j].cat != catPython {
			return j
		}
	}
	return at
}

// maxCalls bounds a stack: a file of slices each within the last would cost
// the square of its length.
const maxCalls = 512

type callOpen struct {
	end  int64
	py   uint64
	call int32
	cat  category
}

type callKey struct {
	parent int32
	name   uint32
}

// callTree holds each different stack once.
type callTree struct {
	index map[callKey]int32
	calls []struct {
		callKey
		self, op int64
	}
}

func (c *callTree) call(parent int32, name uint32) int32 {
	k := callKey{parent, name}
	i, ok := c.index[k]
	if !ok {
		i = int32(len(c.calls))
		c.index[k] = i
		c.calls = append(c.calls, struct {
			callKey
			self, op int64
		}{callKey: k})
	}
	return i
}
