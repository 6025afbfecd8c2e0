package convert

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProfileRoundTrip: what is written as a profile is read as the same, and
// has for each state what the ledger has.
func TestProfileRoundTrip(t *testing.T) {
	t.Parallel()
	inputs := append(traces(t), "../importer/testdata/torch_graph.json.gz", "../importer/testdata/step.prof", rank0)
	for _, name := range inputs {
		in, err := Open(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := Write(&b, []*Input{in}, ".prof", OutputOptions{}); err != nil {
			t.Fatal(name, err)
		}
		file := filepath.Join(t.TempDir(), "x.prof")
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := Open(file, Options{})
		if err != nil {
			t.Fatal(name, err)
		}
		if want, got := in.AsProfile().String(), again.Profile.String(); got != want {
			t.Errorf("%s: the profile is another when it is read again:\n%s", name, firstDifference(got, want))
		}
		if in.Trace == nil {
			continue
		}
		at := -1
		for i, s := range again.Profile.SampleType {
			if s.Type == "wall" {
				at = i
			}
		}
		got := map[string]int64{}
		for _, s := range again.Profile.Sample {
			got[s.Label["state"][0]] += s.Value[at]
		}
		maps.DeleteFunc(got, func(_ string, ns int64) bool { return ns == 0 })
		if want := states(t, name); !maps.Equal(got, want) {
			t.Errorf("%s: %v, the ledger has %v", name, got, want)
		}
	}
}

func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("line %d: %q, was %q", i, as[i], bs[i])
		}
	}
	return fmt.Sprintf("%d lines, were %d", len(as), len(bs))
}

// TestTimelinePerGoroutine: by the function that goroutines began with and by
// state, the slices are as long as what the report has, which is counted apart.
func TestTimelinePerGoroutine(t *testing.T) {
	t.Parallel()
	for _, name := range traces(t) {
		in, err := Open(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int64{}
		for _, r := range in.Reports() {
			if r.Name != "goroutines" {
				continue
			}
			for _, row := range r.Rows {
				for i, c := range r.Columns {
					state := strings.ToLower(strings.TrimSuffix(c.Name, " (ns)"))
					if isState(state) && row[i].Float != 0 {
						want[row[len(row)-1].Text+" "+state] += int64(row[i].Float)
					}
				}
			}
		}
		_, events := drawJSON(t, name)
		began := map[int64]string{}
		got := map[string]int64{}
		for _, e := range events {
			if e.Ph == "M" && e.Name == "thread_name" {
				if g, function, ok := strings.Cut(e.Args.Name, " "); ok && strings.HasPrefix(g, "G") {
					began[e.Tid] = function
				}
			}
		}
		for _, e := range events {
			if !isState(e.Cat) || began[e.Tid] == "" {
				continue
			}
			k := began[e.Tid] + " " + e.Cat
			switch e.Ph {
			case "X":
				got[k] += nanosOf(t, e.Dur)
			case "B":
				got[k] -= nanosOf(t, e.Ts)
			case "E":
				got[k] += nanosOf(t, e.Ts)
			}
		}
		maps.DeleteFunc(got, func(_ string, ns int64) bool { return ns == 0 })
		if !maps.Equal(got, want) {
			t.Errorf("%s:\n%v, the report has\n%v", name, got, want)
		}
	}
}
