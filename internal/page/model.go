package page

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// model is what the page computes everything from. Lists of numbers are flat:
// a profile has many.
type model struct {
	Title    string       `json:"title"`
	Begins   string       `json:"begins,omitempty"` // RFC 3339, UTC
	Lasts    int64        `json:"lasts,omitempty"`  // nanoseconds
	Comments []string     `json:"comments,omitempty"`
	Types    []sampleType `json:"types"`
	Default  int          `json:"default"` // of Types
	// Functions are name, file and line, each function's first seen.
	Functions []function `json:"functions"`
	// Nodes are the stacks as one tree: parent (-1 for none) and function, in
	// an order in which parents come first.
	Nodes []int `json:"nodes"`
	// Labels are keys, Sets the combinations of their values that occur: key,
	// value, key, value, of Labels and Values.
	Labels []string `json:"labels"`
	Values []string `json:"values"`
	Sets   [][]int  `json:"sets"`
	// Samples are node, set and a value for each of Types. Samples of the same
	// node and set are one.
	Samples []int64 `json:"samples"`
	// Negative is, for each of Types, the sum of what Samples lack: the
	// difference of two profiles has negative values, and a frame cannot have a
	// negative width. The page tells it.
	Negative []int64 `json:"negative"`
	// Cut says that frames are left out, "" if none are. The page tells it.
	Cut string `json:"cut,omitempty"`
}

// What a file can make a page hold is bounded, as one location with many inlined
// functions makes a hundred frames of each of its bytes. No program's stacks are
// that deep, or that many, and a browser draws neither: d3-flame-graph goes through
// the tree by recursion, which at 4096 frames ends, on a busy machine, in
// JavaScript's own overflow of the stack.
const (
	maxFrames = 2048    // of a stack: the half at its root and the half at its leaf stay
	maxNodes  = 1 << 20 // of the tree, from which on no stack has frames of its own
)

type sampleType struct {
	Type string `json:"type"`
	Unit string `json:"unit"`
}

type function struct {
	Name string `json:"n"`
	File string `json:"f,omitempty"`
	Line int64  `json:"l,omitempty"`
}

func newModel(p *profile.Profile, title string) (*model, error) {
	if len(p.SampleType) == 0 {
		return nil, errors.New("the profile has no sample types")
	}
	m := &model{Title: title, Comments: p.Comments, Default: len(p.SampleType) - 1, Lasts: p.DurationNanos,
		Functions: []function{}, Nodes: []int{}, Labels: []string{}, Values: []string{}, Sets: [][]int{}, Samples: []int64{}}
	if p.TimeNanos > 0 {
		m.Begins = time.Unix(0, p.TimeNanos).UTC().Format(time.RFC3339)
	}
	for i, t := range p.SampleType {
		m.Types = append(m.Types, sampleType{t.Type, t.Unit})
		if t.Type == p.DefaultSampleType {
			m.Default = i
		}
	}
	b := &builder{m: m, functions: make(map[function]int), nodes: make(map[[2]int]int),
		labels: make(map[string]int), values: make(map[string]int), sets: make(map[string]int)}
	type key struct{ node, set int }
	at := make(map[key]int)
	for _, s := range p.Sample {
		k := key{b.node(s), b.set(s)}
		i, ok := at[k]
		if !ok {
			i = len(m.Samples)
			at[k] = i
			m.Samples = append(m.Samples, int64(k.node), int64(k.set))
			m.Samples = append(m.Samples, make([]int64, len(m.Types))...)
		}
		for j, v := range s.Value {
			m.Samples[i+2+j] += v
		}
	}
	m.Negative = make([]int64, len(m.Types))
	stride := 2 + len(m.Types)
	for i := 0; i < len(m.Samples); i += stride {
		for j, v := range m.Samples[i+2 : i+stride] {
			if v < 0 {
				m.Negative[j] += v
				m.Samples[i+2+j] = 0
			}
		}
	}
	m.Cut = b.cut()
	return m, nil
}

// builder numbers what occurs more than once.
type builder struct {
	m         *model
	functions map[function]int
	nodes     map[[2]int]int
	labels    map[string]int
	values    map[string]int
	sets      map[string]int

	deep, unheld int // samples whose stacks were cut
}

func number(known map[string]int, list *[]string, s string) int {
	i, ok := known[s]
	if !ok {
		i = len(*list)
		known[s] = i
		*list = append(*list, s)
	}
	return i
}

// node returns the node of a sample's stack. Of one that is too deep the middle
// is left out, so that what is spent in a function itself stays there; where the
// tree has no room for more, all towards the leaf. What is left out is one frame
// that tells how many there were.
func (b *builder) node(s *profile.Sample) int {
	total := 0
	for _, l := range s.Location {
		total += max(1, len(l.Line))
	}
	gap, end := total, total // the frames from gap up to end are left out
	if total > maxFrames {
		gap, end = maxFrames/2, total-maxFrames/2
		b.deep++
	}
	at, depth := -1, 0
	for i := len(s.Location) - 1; i >= 0; i-- {
		l := s.Location[i]
		frames := max(1, len(l.Line))
		for j := frames - 1; j >= 0; j-- { // inlined functions: the outermost is last
			if gap <= depth && depth < end {
				if depth == gap {
					at = b.child(at, leftOut(end-gap))
				}
				skipped := min(j+1, end-depth)
				depth += skipped
				j -= skipped - 1
				continue
			}
			f := frame(l, j)
			if len(b.m.Nodes)/2 >= maxNodes && !b.has(at, f) {
				b.unheld++
				return b.child(at, leftOut(total-depth))
			}
			at = b.child(at, f)
			depth++
		}
	}
	if at < 0 {
		at = b.child(at, function{Name: "[no stack]"})
	}
	return at
}

// frame returns the function of a location's line, that of its address if it has
// none.
func frame(l *profile.Location, line int) function {
	if len(l.Line) == 0 {
		return function{Name: fmt.Sprintf("0x%x", l.Address)}
	}
	fn := l.Line[line].Function
	if fn == nil {
		return function{Name: "?"}
	}
	return function{Name: cmp.Or(fn.Name, fn.SystemName, "?"), File: fn.Filename, Line: fn.StartLine}
}

func leftOut(frames int) function {
	if frames == 1 {
		return function{Name: "[1 frame left out]"}
	}
	return function{Name: fmt.Sprintf("[%d frames left out]", frames)}
}

// cut tells what node left out.
func (b *builder) cut() string {
	var parts []string
	if b.deep > 0 {
		parts = append(parts, fmt.Sprintf("stacks of more than %d frames lack their middle (samples: %d)", maxFrames, b.deep))
	}
	if b.unheld > 0 {
		parts = append(parts, fmt.Sprintf("there is room for %d nodes, so that stacks lack their end (samples: %d)", maxNodes, b.unheld))
	}
	return strings.Join(parts, ", and ")
}

// has reports whether a node has a child of that function.
func (b *builder) has(parent int, f function) bool {
	fn, ok := b.functions[f]
	if ok {
		_, ok = b.nodes[[2]int{parent, fn}]
	}
	return ok
}

func (b *builder) child(parent int, f function) int {
	fn, ok := b.functions[f]
	if !ok {
		fn = len(b.m.Functions)
		b.functions[f] = fn
		b.m.Functions = append(b.m.Functions, f)
	}
	k := [2]int{parent, fn}
	n, ok := b.nodes[k]
	if !ok {
		n = len(b.m.Nodes) / 2
		b.nodes[k] = n
		b.m.Nodes = append(b.m.Nodes, parent, fn)
	}
	return n
}

// set returns the number of a sample's combination of labels. Numbers become
// text with their unit, which is what a reader can choose.
func (b *builder) set(s *profile.Sample) int {
	texts := make(map[string]string, len(s.Label)+len(s.NumLabel))
	for k, v := range s.Label {
		texts[k] = strings.Join(v, ", ")
	}
	for k, vs := range s.NumLabel {
		var parts []string
		for i, v := range vs {
			unit := ""
			if u := s.NumUnit[k]; i < len(u) {
				unit = u[i]
			}
			parts = append(parts, withUnit(v, unit))
		}
		texts[k] = strings.Join(parts, ", ")
	}
	keys := make([]string, 0, len(texts))
	for k := range texts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	set := []int{}
	var id strings.Builder
	for _, k := range keys {
		if texts[k] == "" {
			continue
		}
		l, v := number(b.labels, &b.m.Labels, k), number(b.values, &b.m.Values, texts[k])
		set = append(set, l, v)
		fmt.Fprintf(&id, "%d=%d,", l, v)
	}
	n, ok := b.sets[id.String()]
	if !ok {
		n = len(b.m.Sets)
		b.sets[id.String()] = n
		b.m.Sets = append(b.m.Sets, set)
	}
	return n
}

func withUnit(v int64, unit string) string {
	switch unit {
	case "":
		return strconv.FormatInt(v, 10)
	case "nanoseconds":
		return time.Duration(v).String()
	}
	return fmt.Sprintf("%d %s", v, unit)
}
