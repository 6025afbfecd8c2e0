package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

// sample is main.main, which spins for 40 ns, found by 4 samples, and waits for
// a mutex for 60.
func sample() *profile.Profile {
	p := &profile.Profile{
		SampleType:        []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "wall", Unit: "nanoseconds"}},
		DefaultSampleType: "wall",
		DurationNanos:     100,
		TimeNanos:         1e18,
		Comments:          []string{"calls: 1"},
	}
	location := make(map[string]*profile.Location)
	for i, name := range []string{"main.main", "main.spin", "main.lock", "sync.(*Mutex).Lock"} {
		f := &profile.Function{ID: uint64(i + 1), Name: name, SystemName: name, Filename: "/src/x.go", StartLine: int64(10 * i)}
		p.Function = append(p.Function, f)
		location[name] = &profile.Location{ID: uint64(i + 1), Line: []profile.Line{{Function: f}}}
		p.Location = append(p.Location, location[name])
	}
	add := func(v []int64, state, reason string, names ...string) {
		s := &profile.Sample{Value: v, Label: map[string][]string{"state": {state}}, NumLabel: map[string][]int64{"latency": {1024}}, NumUnit: map[string][]string{"latency": {"nanoseconds"}}}
		if reason != "" {
			s.Label["reason"] = []string{reason}
		}
		for _, n := range names { // the leaf first
			s.Location = append(s.Location, location[n])
		}
		p.Sample = append(p.Sample, s)
	}
	add([]int64{3, 30}, "running", "", "main.spin", "main.main")
	add([]int64{1, 10}, "running", "", "main.spin", "main.main")
	add([]int64{0, 60}, "blocked", "sync", "sync.(*Mutex).Lock", "main.lock", "main.main")
	return p
}

// TestModel: equal samples are one, and nothing is lost of their values.
func TestModel(t *testing.T) {
	t.Parallel()
	m, err := newModel(sample(), "x")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"title":"x","begins":"2001-09-09T01:46:40Z","lasts":100,"comments":["calls: 1"],` +
		`"types":[{"type":"samples","unit":"count"},{"type":"wall","unit":"nanoseconds"}],"default":1,` +
		`"functions":[{"n":"main.main","f":"/src/x.go"},{"n":"main.spin","f":"/src/x.go","l":10},{"n":"main.lock","f":"/src/x.go","l":20},{"n":"sync.(*Mutex).Lock","f":"/src/x.go","l":30}],` +
		`"nodes":[-1,0,0,1,0,2,2,3],"labels":["latency","state","reason"],"values":["1.024µs","running","sync","blocked"],` +
		`"sets":[[0,0,1,1],[0,0,2,2,1,3]],"samples":[1,0,4,40,3,1,0,60],"negative":[0,0]}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// stackOf is a sample of value 1 whose stack is depth calls of one function, all
// inlined into one another, between those at its leaf and at its root.
func stackOf(depth int, leaf, root string) *profile.Sample {
	lines := func(name string, n int) *profile.Location {
		l := &profile.Location{}
		for range n {
			l.Line = append(l.Line, profile.Line{Function: &profile.Function{Name: name}})
		}
		return l
	}
	return &profile.Sample{Value: []int64{1}, Location: []*profile.Location{lines(leaf, 1), lines("f", depth-2), lines(root, 1)}}
}

// TestModelDeep: a stack may have as many frames as the page holds, and of a
// deeper one the middle alone is lost, which is told.
func TestModelDeep(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		depth, nodes int
		leftOut      string
		cut          string
	}{
		{maxFrames, maxFrames, "", ""},
		{maxFrames + 1, maxFrames + 1, "[1 frame left out]", "stacks of more than 2048 frames lack their middle (samples: 1)"},
		{1_000_000, maxFrames + 1, "[997952 frames left out]", "stacks of more than 2048 frames lack their middle (samples: 1)"},
	} {
		p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}}, Sample: []*profile.Sample{stackOf(c.depth, "leaf", "root")}}
		m, err := newModel(p, "x")
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Nodes)/2 != c.nodes || m.Cut != c.cut {
			t.Errorf("%d frames: %d nodes, told %q", c.depth, len(m.Nodes)/2, m.Cut)
		}
		var left string
		for _, f := range m.Functions {
			if f.Name != "leaf" && f.Name != "root" && f.Name != "f" {
				left += f.Name
			}
		}
		if at := m.Samples[0]; left != c.leftOut || m.Functions[m.Nodes[2*at+1]].Name != "leaf" || m.Samples[2] != 1 {
			t.Errorf("%d frames: %q, samples %v", c.depth, left, m.Samples)
		}
	}
}

// TestModelMany: no number of stacks makes more nodes than the page holds, but
// one for each sample; all values are there.
func TestModelMany(t *testing.T) {
	t.Parallel()
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}}}
	const stacks = maxNodes/maxFrames + 100
	for i := range stacks {
		p.Sample = append(p.Sample, stackOf(maxFrames, "leaf", fmt.Sprint("root", i)))
	}
	m, err := newModel(p, "x")
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for i := 2; i < len(m.Samples); i += 3 {
		sum += m.Samples[i]
	}
	if n := len(m.Nodes) / 2; n > maxNodes+stacks || sum != stacks {
		t.Errorf("%d nodes, %d samples, want %d", n, sum, stacks)
	}
	if want := "there is room for 1048576 nodes, so that stacks lack their end (samples: 100)"; m.Cut != want {
		t.Errorf("told %q, want %q", m.Cut, want)
	}
}

// TestWriteSame: the same profile, the same bytes, with both licences.
func TestWriteSame(t *testing.T) {
	t.Parallel()
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if _, err := Write(w, sample(), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two pages of one profile differ")
	}
	for _, s := range []string{"Apache License", "Mike Bostock", "Permission to use, copy, modify"} {
		if !strings.Contains(a.String(), s) {
			t.Errorf("the page lacks %q", s)
		}
	}
	if strings.Contains(a.String(), "{{") {
		t.Error("a part of the page was not filled in")
	}
}

// TestWriteFails: at whatever byte the writer fails, its error comes back.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	var whole bytes.Buffer
	if _, err := Write(&whole, sample(), "x"); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < whole.Len(); n += whole.Len()/50 + 1 {
		if _, err := Write(&failing{left: n}, sample(), "x"); !errors.Is(err, errFull) {
			t.Fatalf("full after %d bytes: %v", n, err)
		}
	}
	if _, err := Write(&failing{}, &profile.Profile{}, "x"); err == nil || errors.Is(err, errFull) {
		t.Errorf("a profile without sample types: %v", err)
	}
}

var errFull = errors.New("full")

type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.left {
		return f.left, errFull
	}
	f.left -= len(p)
	return len(p), nil
}
