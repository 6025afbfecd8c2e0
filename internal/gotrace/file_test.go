package gotrace_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/gotrace"
	"github.com/profscope/profscope/internal/ledger"
	xtrace "golang.org/x/exp/trace"
)

// readFile reads a trace and checks what holds for every one.
func readFile(t testing.TB, b []byte, o gotrace.FileOptions) (*gotrace.File, error) {
	t.Helper()
	f, err := gotrace.ReadFile(bytes.NewReader(b), o)
	if err != nil {
		return nil, err
	}
	if err := f.Whole.Check(); err != nil {
		t.Error(err)
	}
	for _, s := range f.Scopes {
		if err := s.Ledger.Check(); err != nil {
			t.Error(err)
		}
	}
	totals := f.Whole.Book.Totals()
	var states float64
	for _, r := range f.Reports() {
		if r.Name != "states" {
			continue
		}
		for _, row := range r.Rows {
			states += row[1].Float
		}
	}
	if want := float64(totals.Role(ledger.Process)); states != want {
		t.Errorf("the report of states adds up to %v ns, the ledger to %v", states, want)
	}
	return f, nil
}

func scopeOf(t testing.TB, f *gotrace.File, name string) *gotrace.Scope {
	t.Helper()
	for _, s := range f.Scopes {
		if s.Ledger.Name == name {
			return s
		}
	}
	t.Fatalf("no scope %q among %d", name, len(f.Scopes))
	return nil
}

// formatOf has the format that each version writes: not all had a new one.
var formatOf = map[string]string{"go1.22.12": "go 1.22", "go1.23.12": "go 1.23", "go1.24.12": "go 1.23",
	"go1.25.5": "go 1.25", "go1.26.8": "go 1.26", "go1.27.4": "go 1.26"}

// TestFileVersions reads what programs of all Go versions wrote whose traces
// there are, and finds what the programs measured themselves.
func TestFileVersions(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/versions/*.trace.gz")
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			f, err := readFile(t, gunzip(t, name), gotrace.FileOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(f.Warnings) > 0 {
				t.Error(f.Warnings)
			}
			if want := formatOf[strings.TrimSuffix(filepath.Base(name), ".trace.gz")]; f.Version != want {
				t.Errorf("the trace is of the format of %s, that version writes %s", f.Version, want)
			}
			answer, err := os.ReadFile(strings.TrimSuffix(name, ".trace.gz") + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			var measured int64
			if _, err := fmt.Sscanf(string(answer), "sleeping %d", &measured); err != nil {
				t.Fatal(err)
			}
			sleeping := scopeOf(t, f, "sleeping")
			if sleeping.Kind != gotrace.ScopeRegion || sleeping.Lengths.Count() != 1 {
				t.Errorf("%+v", sleeping)
			}
			if got := sleeping.Ledger.Elapsed; got > measured || got < int64(20*time.Millisecond) {
				t.Errorf("the region lasted %d ns, the program measured %d around it", got, measured)
			}
			var slept int64
			for _, e := range sleeping.Ledger.Book.Entries() {
				if f.Whole.Stacks.ReasonOf(e.Reason) == "sleep" {
					slept += e.Nanos
				}
			}
			if slept < int64(20*time.Millisecond) {
				t.Errorf("slept for %d ns of 20 ms", slept)
			}
			for _, region := range []string{"a", "b"} {
				if n := scopeOf(t, f, region).Lengths.Count(); n != 1 {
					t.Errorf("region %s: %d times", region, n)
				}
			}
			request := scopeOf(t, f, "request")
			if request.Kind != gotrace.ScopeTask || request.Ledger.Goroutines[ledger.Spawned] != 3 {
				t.Errorf("the task has %d goroutines, want 3", request.Ledger.Goroutines[ledger.Spawned])
			}
			for _, r := range f.Reports() {
				if r.Name != "goroutines" {
					continue
				}
				for _, row := range r.Rows {
					if began := row[len(row)-1].Text; strings.HasPrefix(began, "runtime") || began == "" {
						t.Errorf("a goroutine of the runtime's own counts: %q", began)
					}
				}
			}
			workers := findRow(t, f, "goroutines", "main.worker")
			if n := workers[2].Int; n != 3 {
				t.Errorf("%d workers, want 3", n)
			}
			if ns := workers[8].Float + workers[9].Float; ns < 3*15e6 { // spinning, with or without a P
				t.Errorf("workers were ready for %v ns of 45 ms", ns)
			}
			if f.Samples == 0 {
				t.Error("no CPU samples")
			}
		})
	}
}

func findRow(t testing.TB, f *gotrace.File, report, name string) []ledger.Value {
	t.Helper()
	for _, r := range f.Reports() {
		if r.Name != report {
			continue
		}
		for _, row := range r.Rows {
			if row[len(row)-1].Text == name {
				return row
			}
		}
	}
	t.Fatalf("report %s has no %s", report, name)
	return nil
}

func gunzip(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	zr, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if b, err = io.ReadAll(zr); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFileRegions: what regions do to each other is no matter.
func TestFileRegions(t *testing.T) {
	for _, tt := range []struct {
		name   string
		around func(context.Context, func())
		want   map[string]int64
	}{
		{"nested", nested, map[string]int64{"outer": 300, "inner": 300}},
		{"overlapping", overlapping, map[string]int64{"a": 300, "b": 300}},
	} {
		f, err := readFile(t, record(t, workload(tt.around)), gotrace.FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Warnings) > 0 {
			t.Error(tt.name, f.Warnings)
		}
		for region, n := range tt.want {
			if got := scopeOf(t, f, region).Lengths.Count(); got != n {
				t.Errorf("%s: region %s %d times, want %d", tt.name, region, got, n)
			}
		}
		if n := scopeOf(t, f, "recorded").Lengths.Count(); n != 1 {
			t.Errorf("%s: task %d times", tt.name, n)
		}
	}
}

// TestFileTotals compares each goroutine's totals with a fold of
// the transitions that knows nothing of ours.
func TestFileTotals(t *testing.T) {
	b := gunzip(t, "testdata/versions/go1.26.8.trace.gz")
	f, err := readFile(t, b, gotrace.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	type g struct {
		state xtrace.GoState
		since xtrace.Time
	}
	gs := map[xtrace.GoID]g{}
	ran := map[xtrace.GoID]int64{}
	var filter gotrace.Filter
	tr, err := xtrace.NewReader(bytes.NewReader(filter.Feed(b)))
	if err != nil {
		t.Fatal(err)
	}
	var last xtrace.Time
	for {
		e, err := tr.ReadEvent()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		last = e.Time()
		if e.Kind() != xtrace.EventStateTransition || e.StateTransition().Resource.Kind != xtrace.ResourceGoroutine {
			continue
		}
		st := e.StateTransition()
		_, to := st.Goroutine()
		id := st.Resource.Goroutine()
		if gs[id].state == xtrace.GoRunning {
			ran[id] += int64(e.Time() - gs[id].since)
		}
		gs[id] = g{to, e.Time()}
	}
	for id, g := range gs {
		if g.state == xtrace.GoRunning {
			ran[id] += int64(last - g.since)
		}
	}
	var longest []int64
	for _, ns := range ran {
		longest = append(longest, ns)
	}
	slices.Sort(longest)
	var workers float64
	for _, ns := range longest[len(longest)-3:] { // the three that spin
		workers += float64(ns)
	}
	if got := findRow(t, f, "goroutines", "main.worker")[8].Float; got < workers-3000 || got > workers+3000 { // the filter's clock steps
		t.Errorf("workers ran for %v ns, an independent sum has %v", got, workers)
	}
}

// TestFileCut cuts a trace at every byte: what is left is read up to the last
// whole generation, or refused with a reason.
func TestFileCut(t *testing.T) {
	t.Parallel()
	b := gunzip(t, "testdata/versions/go1.26.8.trace.gz")
	step := 1
	if testing.Short() || len(b) > 20_000 {
		step = len(b)/2000 + 1
	}
	for n := 0; n < len(b); n += step {
		f, err := readFile(t, b[:n], gotrace.FileOptions{})
		if err == nil && len(f.Warnings) == 0 {
			t.Fatalf("cut at byte %d of %d: neither an error nor a warning", n, len(b))
		}
		if err != nil && err.Error() == "" {
			t.Fatalf("cut at byte %d: an error without a text", n)
		}
	}
	many := record(t, workload(nested))
	f, err := readFile(t, many[:len(many)-1], gotrace.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if f.Generations == 0 || len(f.Warnings) == 0 || f.Events == 0 {
		t.Errorf("the last byte is gone: %d generations, %d events, warnings %v", f.Generations, f.Events, f.Warnings)
	}
}

func TestFileBad(t *testing.T) {
	t.Parallel()
	b := gunzip(t, "testdata/versions/go1.26.8.trace.gz")
	if _, err := gotrace.ReadFile(bytes.NewReader(b[:16]), gotrace.FileOptions{}); !errors.Is(err, gotrace.ErrNoGoroutine) {
		t.Errorf("a header alone: %v", err)
	}
	patched := slices.Clone(b)
	copy(patched, "go 1.99 trace")
	if _, err := gotrace.ReadFile(bytes.NewReader(patched), gotrace.FileOptions{}); !errors.Is(err, attrib.ErrVersion) {
		t.Errorf("a version to come: %v", err)
	}
	for _, junk := range []string{"", "hello", strings.Repeat("\x00", 100)} {
		if _, err := gotrace.ReadFile(strings.NewReader(junk), gotrace.FileOptions{}); err == nil {
			t.Errorf("%q is read", junk)
		}
	}
}

func FuzzFile(f *testing.F) {
	for _, v := range []string{"1.22.12", "1.26.8", "1.27.4"} {
		f.Add(gunzip(f, "testdata/versions/go"+v+".trace.gz"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			t.Skip("long inputs only make it slow")
		}
		all, err := readFile(t, b, gotrace.FileOptions{})
		if err != nil {
			return
		}
		third := (all.End - all.Begin) / 3
		for _, o := range []gotrace.FileOptions{{From: third}, {To: third}, {From: third, To: 2 * third}} {
			if o.To >= 0 && o.From >= 0 {
				_, _ = readFile(t, b, o) // a window conserves too
			}
		}
	})
}
