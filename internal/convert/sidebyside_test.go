package convert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

const (
	oneTrace    = "../gotrace/testdata/versions/go1.26.8.trace.gz"
	otherTrace  = "../gotrace/testdata/versions/go1.27.4.trace.gz"
	rank0       = "../importer/testdata/torch_rank0.json.gz"
	rank1       = "../importer/testdata/torch_rank1.json.gz"
	clocklessGo = "../gotrace/testdata/versions/go1.22.12.trace.gz"
)

type drawnEvent struct {
	Ph, Name, Cat string
	Pid, Tid, ID  int64
	Ts, Dur       json.Number
	Args          struct{ Name string }
}

func drawJSON(t *testing.T, names ...string) (base int64, events []drawnEvent) {
	t.Helper()
	var b bytes.Buffer
	if _, err := DrawTimeline(&b, names, ".json", Options{}); err != nil {
		t.Fatal(names, err)
	}
	var in struct {
		Base   int64        `json:"baseTimeNanoseconds"`
		Events []drawnEvent `json:"traceEvents"`
	}
	if err := json.Unmarshal(b.Bytes(), &in); err != nil {
		t.Fatal(err)
	}
	return in.Base, in.Events
}

// slicesOf returns the slices of each category with the wall clock's time of
// their begin, so that files can be compared with what was made of them.
func slicesOf(t *testing.T, base int64, events []drawnEvent) map[string]int {
	t.Helper()
	all := make(map[string]int)
	ends := make(map[int64]string)
	for _, e := range events {
		switch e.Ph {
		case "X":
			all[fmt.Sprintf("%s %s at %d for %d", e.Cat, e.Name, base+nanosOf(t, e.Ts), nanosOf(t, e.Dur))]++
		case "B", "i":
			all[fmt.Sprintf("%s %s at %d", e.Cat, e.Name, base+nanosOf(t, e.Ts))]++
		case "s", "f":
			ends[e.ID] += e.Ph
		}
		if e.Ph != "M" && nanosOf(t, e.Ts) < 0 {
			t.Errorf("before the first file begins: %+v", e)
		}
	}
	for id, e := range ends {
		if e != "sf" {
			t.Errorf("arrow %d has the ends %q", id, e)
		}
	}
	return all
}

// TestSideBySide: each slice of each file is there once, at the same moment of
// the wall clock, below its own file.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	names := []string{oneTrace, rank1, otherTrace, rank0}
	want := make(map[string]int)
	for _, n := range names {
		base, events := drawJSON(t, n)
		for k, c := range slicesOf(t, base, events) {
			want[k] += c
		}
	}
	base, events := drawJSON(t, names...)
	if got := slicesOf(t, base, events); !maps.Equal(got, want) {
		shown := 0
		for k, n := range want {
			if got[k] != n && shown < 5 {
				shown++
				t.Errorf("%s: %d times, want %d", k, got[k], n)
			}
		}
		t.Errorf("%d slices, want %d", len(got), len(want))
	}
	top := make(map[string]int)
	pids := make(map[int64]bool)
	for _, e := range events {
		if e.Ph == "M" && e.Name == "process_name" {
			top[e.Args.Name]++
		}
		if e.Ph != "M" {
			pids[e.Pid] = true
		}
	}
	if len(top) != len(names) || len(pids) != len(names) {
		t.Errorf("%d processes of %v", len(pids), top)
	}
	for _, n := range names {
		if top[filepath.Base(n)] != 1 {
			t.Errorf("%s is there %d times", n, top[filepath.Base(n)])
		}
	}
}

func TestSideBySideRefuses(t *testing.T) {
	t.Parallel()
	stacks := filepath.Join(t.TempDir(), "x.folded")
	if err := os.WriteFile(stacks, []byte("a;b 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		names []string
		want  error
	}{
		{[]string{oneTrace, clocklessGo}, ErrNoWallClock},
		{[]string{oneTrace, oneTrace}, nil},
		{[]string{oneTrace, "-"}, nil},
		{[]string{oneTrace, stacks}, nil},
		{[]string{oneTrace, "no such file"}, os.ErrNotExist},
	} {
		var b bytes.Buffer
		_, err := DrawTimeline(&b, tt.names, ".pftrace", Options{})
		var named *Error
		if !errors.As(err, &named) || named.Name != tt.names[1] || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%v: %v", tt.names, err)
		}
	}
}
