package main

import (
	"context"
	"fmt"
	"time"
)

var parkedScenario = scenario{
	name:  "parked",
	title: "100,000 parked goroutines, a scope of 10 s",
	about: "What a profile adds to the CPU time of an operation, and how much that is of what fgprof adds. " +
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
		for _, m := range []string{modeNone, modeProfscope, modeFgprof} {
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
		columns: []string{"workload", "mode", "cores", "without, cores", "CPU per operation, ratio", "goal", "verdict",
			"added, of what fgprof adds", "goal", "verdict"},
	}
	for c, cell := range cells {
		var fgprof []reading
		for i, s := range cell {
			if s.Mode == modeFgprof {
				fgprof = readings[c][i]
			}
		}
		for i, s := range cell {
			rs := readings[c][i]
			ratio := newFigure(single(rs, reading.cpuRatio))
			row := []any{s.Workload, s.Mode, newFigure(single(rs, reading.cores)).show("%.3f"),
				newFigure(single(rs, func(r reading) float64 { return r.Base.cores() })).show("%.3f"),
				ratio.show("%.3f"), "", "", "", "", ""}
			var share figure
			if fgprof != nil && s.Mode != modeFgprof {
				share = newFigure(paired(rs, fgprof, shareOfAdded))
				row[7] = share.show("%.3f")
			}
			if s.Mode == modeProfscope {
				row[5], row[6] = "<= 1.10", ratio.verdict(1.10)
				if fgprof != nil {
					row[8], row[9] = "<= 0.20", share.verdict(0.20)
				}
			}
			t.add(row...)
		}
	}
	return []table{t}, nil
}

// shareOfAdded divides what a adds to an operation by what b of the same round
// adds, each to its own base.
func shareOfAdded(a, b reading) float64 { return (a.cpuRatio() - 1) / (b.cpuRatio() - 1) }
