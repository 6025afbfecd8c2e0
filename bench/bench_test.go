package main

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/profscope/profscope/bench/workload"
)

// TestMain lets the test binary be its own worker, as the program is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workerFlag {
		main()
	}
	os.Exit(m.Run())
}

// Windows of tests: longer than the 10 ms after which fgprof has a sample, and
// than it takes a busy machine to give the first operation a turn.
const tiny = 40 * time.Millisecond

func TestEveryWorkloadUnderEveryMode(t *testing.T) {
	for _, w := range workload.All() {
		for _, m := range modes() {
			t.Run(w.Name+"/"+m.name, func(t *testing.T) {
				r, err := workOverhead(spec{Mode: m.name, Workload: w.Name, Parked: 10, Window: tiny, Dir: t.TempDir()})
				if err != nil {
					t.Fatal(err)
				}
				if r.Ops <= 0 || r.Work < tiny || r.Wall < r.Work || r.CPU < 0 {
					t.Errorf("reading makes no sense: %+v", r)
				}
			})
		}
	}
}

// TestEveryWorker runs what workOverhead does not cover, so that a scenario
// does not rot between the rare runs of the whole.
func TestEveryWorker(t *testing.T) {
	for _, s := range []spec{
		{Scenario: "stepdown", Mode: modeProfscope},
		{Scenario: "start", Mode: modeProfscope},
		{Scenario: "stop", Mode: modeProfscope, Workload: "events", Variant: "busy"},
		{Scenario: "stop", Mode: "trace", Workload: "mixed", Variant: "quiet"},
		{Scenario: "handle", Mode: modeProfscope, Variant: "depth 20"},
		{Scenario: "handle", Mode: modeProfscope, Variant: "Enabled(false)"},
		{Scenario: "handle", Mode: modeProfscope, Variant: handleRate},
		{Scenario: "handle", Mode: modeNone, Variant: handleRate},
		{Scenario: "func", Mode: modeProfscope},
		{Scenario: "hot", Mode: modeProfscope},
		{Scenario: "many", Mode: modeProfscope, Variant: manyOpen},
		{Scenario: "many", Mode: modeProfscope, Variant: manyFiles},
		{Scenario: "server", Mode: modeProfscope, Variant: variantRecording},
		{Scenario: "server", Mode: modeProfscope, Variant: variantTrace},
		{Scenario: "server", Mode: modeProfscope, Variant: variantFlight},
		{Scenario: "formats", Mode: "trace", Variant: "record", Args: []string{filepath.Join(t.TempDir(), "go.trace")}, Size: 1},
		{Scenario: "formats", Mode: "go", Args: []string{"go", "version"}},
	} {
		t.Run(s.String()+" "+s.Mode, func(t *testing.T) {
			s.Window, s.Dir = tiny, t.TempDir()
			sc, err := findScenario(s.Scenario)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := sc.work(s); err != nil {
				t.Error(err)
			}
			// An end that was put off leaves the recording up for some 100 ms,
			// and the next worker's trace would be refused.
			if err := flush(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRunUpdatesItsSectionsOnly(t *testing.T) {
	results := filepath.Join(t.TempDir(), "RESULTS.md")
	bench := func(args ...string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		args = append(args, "-results", results, "-rounds", "1", "-window", "20ms", "-modes", "pprof")
		if code := run(context.Background(), args, &stdout, &stderr); code != 0 {
			t.Fatalf("exit code %d: %s", code, &stderr)
		}
	}
	read := func() string {
		b, err := os.ReadFile(results)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	bench("-only", "start")
	written := strings.Replace(read(), findingsStart, findingsStart+"By hand.\n", 1)
	if err := os.WriteFile(results, []byte(written), 0o644); err != nil {
		t.Fatal(err)
	}
	bench("-only", "overhead", "-workloads", "cpu", "-parked", "0")
	got := read()
	for _, want := range []string{startScenario.title, overheadScenario.title, "By hand."} {
		if strings.Count(got, want) != 1 {
			t.Errorf("want %q once in\n%s", want, got)
		}
	}
	if strings.Index(got, overheadScenario.title) > strings.Index(got, startScenario.title) {
		t.Error("sections are not in the order of the scenarios")
	}
}

func TestRunRefuses(t *testing.T) {
	for _, args := range [][]string{
		{"-only", "nothing"},
		{"-modes", "perf"},
		{"-workloads", "gpu"},
		{"-parked", "many"},
		{"-rounds", "0"},
		{"-results", filepath.Join("no", "such", "folder", "RESULTS.md")},
		{"extra"},
		{"-only", "start", "handle"},
		{"-formats-size", "1"},
	} {
		var stdout, stderr bytes.Buffer
		if run(context.Background(), args, &stdout, &stderr) == 0 || stderr.Len() == 0 {
			t.Errorf("%q was accepted", args)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   string
	}{
		{[]float64{1.01}, "met"},
		{[]float64{1.00, 1.01, 1.02}, "met"},
		{[]float64{1.00, 1.01, 1.09}, "met?"},
		{[]float64{1.00, 1.04, 1.09}, "missed?"},
		{[]float64{1.04, 1.05, 1.09}, "missed"},
		{[]float64{math.Inf(1), math.Inf(1)}, "missed"},
		{[]float64{1, 2, math.Inf(1)}, "missed?"},
		{nil, "failed"},
	} {
		if got := newFigure(tt.values).verdict(1.03); got != tt.want {
			t.Errorf("verdict of %v: %s, want %s", tt.values, got, tt.want)
		}
	}
}

func TestFigureOfTenRounds(t *testing.T) {
	// Of ten values, the second and the ninth enclose the median with 97.9 %
	// (1 - 2*11/1024), the third and the eighth with 89 % only.
	f := newFigure([]float64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1})
	if f.mid != 5.5 || f.lo != 2 || f.hi != 9 {
		t.Errorf("got %v (%v to %v), want 5.5 (2 to 9)", f.mid, f.lo, f.hi)
	}
}

func TestSettled(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rates []float64
		want  int
	}{
		{"at once", []float64{9, 9, 9, 9, 9, 9, 9, 9}, 0},
		{"after two slow ticks", []float64{1, 1, 9, 9, 9, 9, 9, 9, 9}, 2},
		{"slices that are paid for by the rest", []float64{1, 9, 9, 9, 1, 9, 9, 9}, 1},
		{"too many slices", []float64{1, 1, 1, 9, 1, 1, 1, 9}, -1},
		{"slow again at the end", []float64{9, 9, 9, 9, 1, 1, 1, 1}, -1},
		{"nothing", nil, -1},
	} {
		if got := settled(tt.rates, 6, 4); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
