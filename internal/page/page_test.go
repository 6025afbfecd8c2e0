package page

import (
	"bytes"
	"encoding/json"
	"errors"
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

// TestWriteSame: the same profile, the same bytes, with both licences.
func TestWriteSame(t *testing.T) {
	t.Parallel()
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if err := Write(w, sample(), "x"); err != nil {
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
	if err := Write(&whole, sample(), "x"); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < whole.Len(); n += whole.Len()/50 + 1 {
		if err := Write(&failing{left: n}, sample(), "x"); !errors.Is(err, errFull) {
			t.Fatalf("full after %d bytes: %v", n, err)
		}
	}
	if err := Write(&failing{}, &profile.Profile{}, "x"); err == nil || errors.Is(err, errFull) {
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
