package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime/trace"
	"time"

	"github.com/profscope/profscope/bench/workload"
)

var handleScenario = scenario{
	name:  "handle",
	title: "A hot function's handle",
	about: "Start + Stop of a cprofile.New handle while another scope keeps the recording on, in bursts of 500 calls " +
		"every 5 ms, at stack depths from a fresh goroutine's on; flat out, without pauses, the recording is stepped down. Cores are of a process that makes 100,000 calls a " +
		"second of a fifth of a microsecond each, reading, attributing and writing included. trace.Log: the two events " +
		"that a call leaves in the trace, alone, which is what a handle cannot cost less than.",
	drive: driveHandle,
	work:  workHandle,
}

// handleVariants are what one worker can measure; the depth is of the stack.
var handleVariants = []struct {
	name    string
	depth   int
	enabled bool
	limit   float64 // nanoseconds, 0 for no goal
	nanos   func(time.Duration, func(n int)) float64
	alone   bool // without a handle: trace.Log twice
}{
	{"depth 1", 1, true, 350, nanosPerCall, false},
	{"depth 20", 20, true, 350, nanosPerCall, false},
	{"depth 20, trace.Log", 20, true, 0, nanosPerCall, true},
	{"depth 60", 60, true, 0, nanosPerCall, false},
	{"depth 60, flat out", 60, true, 0, nanosFlatOut, false},
	{"Enabled(false)", 1, false, 2, nanosBrief, false},
}

// logs writes the events of n calls.
func logs(n int) {
	ctx := context.Background()
	for range n {
		trace.Log(ctx, "begin", "")
		trace.Log(ctx, "end", "")
	}
}

const handleRate = "rate"

func workHandle(s spec) (r reading, err error) {
	if s.Variant == handleRate {
		return workHandleRate(s)
	}
	stopOuter, err := startScope(filepath.Join(s.Dir, "outer.prof"))
	if err != nil {
		return r, err
	}
	for _, v := range handleVariants {
		if v.name != s.Variant {
			continue
		}
		h := newHandle(filepath.Join(s.Dir, "hot.prof"), v.enabled)
		r.Values = make(map[string]float64)
		var failed error
		onFreshStack(v.depth, func() {
			calls := func(n int) {
				if v.alone {
					logs(n)
					return
				}
				if err := h.pairs(n); err != nil {
					failed = err
				}
			}
			r.Values["ns"] = v.nanos(s.Window, calls)
			r.Values["allocs"] = allocsPerCall(calls)
		})
		if failed != nil {
			return r, failed
		}
		_, err = stopOuter()
		return r, err
	}
	return r, fmt.Errorf("no variant %q", s.Variant)
}

// workHandleRate is a program whose hot function is called 100,000 times a
// second, with and without a handle in it.
func workHandleRate(s spec) (r reading, err error) {
	file := filepath.Join(s.Dir, "hot.prof")
	h := newHandle(file, s.Mode == modeProfscope)
	watch, err := startWatch()
	if err != nil {
		return r, err
	}
	r.Ops = workload.Paced(s.Window, 100_000, 1000, func(n int64) {
		for range n {
			h.call(workload.Brief)
		}
	})
	if err := flush(); err != nil {
		return r, err
	}
	if err := watch.into(&r); err != nil {
		return r, err
	}
	if s.Mode == modeProfscope {
		r.Bytes, err = fileSize(file)
	}
	return r, err
}

func driveHandle(ctx context.Context, l *lab) ([]table, error) {
	var cells [][]spec
	for _, v := range handleVariants {
		cells = append(cells, []spec{{Scenario: "handle", Mode: modeProfscope, Variant: v.name, Window: l.window}})
	}
	var rate []spec
	// The second none shows how far two equal runs differ.
	for _, m := range []string{modeNone, modeNone, modeProfscope} {
		rate = append(rate, spec{Scenario: "handle", Mode: m, Variant: handleRate, Window: 3 * l.window})
	}
	cells = append(cells, rate)
	readings, err := l.measure(ctx, l.rounds, cells)
	if err != nil {
		return nil, err
	}
	t := table{title: "Start + Stop", columns: []string{"handle", "ns", "goal", "verdict", "allocations", "goal", "verdict"}}
	for c, v := range handleVariants {
		ns := newFigure(single(readings[c][0], value("ns")))
		allocs := newFigure(single(readings[c][0], value("allocs")))
		row := []any{v.name, ns.show("%.3g"), "", "", allocs.show("%.2f"), "<= 0", allocs.verdict(0)}
		if v.limit > 0 {
			row[2], row[3] = fmt.Sprintf("<= %.0f", v.limit), ns.verdict(v.limit)
		}
		t.add(row...)
	}
	cores := table{title: fmt.Sprintf("100,000 calls a second for %v", (3 * l.window).Round(time.Millisecond)),
		columns: []string{"mode", "cores", "added to none", "goal", "verdict"}}
	last := readings[len(cells)-1]
	for i, s := range rate {
		added := newFigure(paired(last[i], last[0], func(a, b reading) float64 { return a.cores() - b.cores() }))
		row := []any{s.Mode, newFigure(single(last[i], reading.cores)).show("%.3f"), "", "", ""}
		if i > 0 {
			row[2] = added.show("%.3f")
		}
		if s.Mode == modeProfscope {
			row[3], row[4] = "<= 0.15", added.verdict(0.15)
		}
		cores.add(row...)
	}
	return []table{t, cores}, nil
}
