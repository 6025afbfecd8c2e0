package main

import (
	"context"
	"fmt"
	"time"
)

var parkedScenario = scenario{
	name:  "parked",
	title: "100,000 parked goroutines, a scope of 10 s",
	about: "What is added to none's CPU time per operation, and how much that is of what fgprof adds. " +
		"light uses a part of one core, cpu all of two.",
	drive: driveParked,
	work:  workOverhead,
}

func driveParked(ctx context.Context, l *lab) ([]table, error) {
	// 10 s of a normal run, and shorter as its windows are.
	window := time.Duration(float64(l.window) * 10 / 1.5)
	var cells [][]spec
	for _, w := range []string{"light", "cpu"} {
		var cell []spec
		for _, m := range []string{modeNone, modeNoneAgain, modeProfscope, modeFgprof, "trace"} {
			if m == modeNone || has(l.modes, m) {
				cell = append(cell, spec{Scenario: "parked", Mode: m, Workload: w, Parked: 100_000, Window: window})
			}
		}
		cells = append(cells, cell)
	}
	readings, err := l.measure(ctx, l.rounds, cells)
	if err != nil {
		return nil, err
	}
	t := table{
		title: fmt.Sprintf("Scope of %v", window.Round(time.Millisecond)),
		columns: []string{"workload", "mode", "cores", "CPU per operation, ratio to none", "goal", "verdict",
			"added, of what fgprof adds", "goal", "verdict"},
	}
	for c, cell := range cells {
		none := readings[c][0]
		var fgprof []reading
		for i, s := range cell {
			if s.Mode == modeFgprof {
				fgprof = readings[c][i]
			}
		}
		for i, s := range cell {
			rs := readings[c][i]
			ratio := newFigure(paired(rs, none, func(a, b reading) float64 { return a.cpuPerOp() / b.cpuPerOp() }))
			row := []any{s.Workload, s.Mode, newFigure(single(rs, reading.cores)).show("%.3f"), "", "", "", "", "", ""}
			if s.Mode != modeNone {
				row[3] = ratio.show("%.3f")
			}
			var share figure
			if fgprof != nil && s.Mode != modeNone && s.Mode != modeFgprof {
				share = newFigure(shareOfAdded(rs, fgprof, none))
				row[6] = share.show("%.3f")
			}
			if s.Mode == modeProfscope {
				row[4], row[5] = "<= 1.10", ratio.verdict(1.10)
				if fgprof != nil {
					row[7], row[8] = "<= 0.20", share.verdict(0.20)
				}
			}
			t.add(row...)
		}
	}
	return []table{t}, nil
}

// shareOfAdded divides, round by round, what a adds to none by what b adds.
func shareOfAdded(a, b, none []reading) (values []float64) {
	for i := range none {
		if a[i].Err != nil || b[i].Err != nil || none[i].Err != nil {
			continue
		}
		base := none[i].cpuPerOp()
		values = append(values, (a[i].cpuPerOp()-base)/(b[i].cpuPerOp()-base))
	}
	return values
}
