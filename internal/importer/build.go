package importer

import (
	"fmt"
	"slices"

	"github.com/google/pprof/profile"
)

// builder makes a profile of stacks of names. The same samples in any order
// give the same profile.
type builder struct {
	p         *profile.Profile
	functions map[frame]*profile.Location
	samples   map[string]*profile.Sample
	key       []byte
}

// frame is a function as the other formats have it.
type frame struct {
	name, file string
	line       int64 // 0: not known
	start      int64 // of the function
}

func newBuilder(types ...*profile.ValueType) *builder {
	return &builder{
		p:         &profile.Profile{SampleType: types, PeriodType: &profile.ValueType{}}, // a file always has one
		functions: make(map[frame]*profile.Location),
		samples:   make(map[string]*profile.Sample),
	}
}

// maxFunctions bounds what is told apart: a file that has more was not written
// by a profiler.
const maxFunctions = 1 << 18

func (b *builder) location(f frame) *profile.Location {
	l := b.functions[f]
	if l == nil && len(b.functions) >= maxFunctions {
		f = frame{name: "(others)"}
		if l = b.functions[f]; l == nil {
			b.p.Comments = append(b.p.Comments, fmt.Sprintf("only the first %d functions are told apart: the rest is called %s", maxFunctions, f.name))
		}
	}
	if l == nil {
		fn := &profile.Function{ID: uint64(len(b.p.Function)) + 1, Name: f.name, SystemName: f.name, Filename: f.file, StartLine: f.start}
		l = &profile.Location{ID: fn.ID, Line: []profile.Line{{Function: fn, Line: f.line}}}
		b.p.Function = append(b.p.Function, fn)
		b.p.Location = append(b.p.Location, l)
		b.functions[f] = l
	}
	return l
}

// add adds values to the sample of that stack, leaf first. label may be nil;
// samples of different labels stay apart.
func (b *builder) add(stack []*profile.Location, values []int64, label map[string][]string) {
	b.key = b.key[:0]
	for _, l := range stack {
		b.key = append(b.key, byte(l.ID), byte(l.ID>>8), byte(l.ID>>16), byte(l.ID>>24))
	}
	for _, k := range sortedKeys(label) {
		b.key = append(append(append(b.key, 0xff), k...), 0xfe)
		for _, v := range label[k] {
			b.key = append(append(b.key, v...), 0xfd)
		}
	}
	s := b.samples[string(b.key)]
	if s == nil {
		s = &profile.Sample{Location: slices.Clone(stack), Value: make([]int64, len(values)), Label: label}
		b.samples[string(b.key)] = s
		b.p.Sample = append(b.p.Sample, s)
	}
	for i, v := range values {
		s.Value[i] += v
	}
}

func sortedKeys(m map[string][]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
