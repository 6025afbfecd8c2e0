package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/profscope/profscope/bench/workload"
)

var overheadScenario = scenario{
	name:  "overhead",
	title: "Overhead of a running profile",
	about: "CPU time per operation against no profile, the end of the profile and its file included. Goroutines are " +
		"parked, servers listen and caches are warm before the profile starts.",
	drive: driveOverhead,
	work:  workOverhead,
}

func workloadNames() (names []string) {
	for _, w := range workload.All() {
		names = append(names, w.Name)
	}
	return names
}

// pickWorkloads reads a list with commas.
func pickWorkloads(list string) ([]string, error) {
	names := strings.Split(list, ",")
	for _, name := range names {
		if _, err := workload.Find(name); err != nil {
			return nil, err
		}
	}
	return names, nil
}

func workOverhead(s spec) (r reading, err error) {
	m, err := findMode(s.Mode)
	if err != nil {
		return r, err
	}
	w, err := workload.Find(s.Workload)
	if err != nil {
		return r, err
	}
	load, err := w.New(s.Dir)
	if err != nil {
		return r, fmt.Errorf("set up %s: %w", w.Name, err)
	}
	defer load.Close()
	release := workload.Park(s.Parked)
	if s.Parked <= 1000 {
		defer release() // of 100,000, the end of the process is quicker
	}
	load.Run(min(s.Window/5, 300*time.Millisecond))

	// As long as the window between them: a collection that comes once in
	// such a time, as with 100,000 stacks, is then as likely in each.
	before, err := window(load, mode{modeNone, startNone}, s.Dir, s.Window)
	if err != nil {
		return r, err
	}
	for range 10 {
		if r, err = window(load, m, s.Dir, s.Window); !errors.Is(err, errNoSample) {
			break
		}
	}
	if err != nil {
		return r, err
	}
	after, err := window(load, mode{modeNone, startNone}, s.Dir, s.Window)
	r.Base = &reading{
		Ops:  before.Ops + after.Ops,
		Work: before.Work + after.Work,
		Wall: before.Wall + after.Wall,
		CPU:  before.CPU + after.CPU,
	}
	return r, err
}

// window measures d of the load under a mode. Each begins with a heap just
// collected, so that no window pays for another's garbage.
func window(load workload.Load, m mode, dir string, d time.Duration) (r reading, err error) {
	runtime.GC()
	watch, err := startWatch()
	if err != nil {
		return r, err
	}
	stop, err := m.start(dir)
	if err != nil {
		return r, fmt.Errorf("start: %w", err)
	}
	began := time.Now()
	r.Ops = load.Run(d)
	r.Work = time.Since(began)
	file, err := stop()
	if err != nil {
		return r, fmt.Errorf("stop: %w", err)
	}
	if err := watch.into(&r); err != nil {
		return r, err
	}
	if r.Ops == 0 {
		return r, fmt.Errorf("no operation was done in %v", d)
	}
	if file != "" {
		r.Bytes, err = fileSize(file)
	}
	return r, err
}

// overheadGoal is the most that profscope may take of each cell, as a ratio.
func overheadGoal(work string, parked int) (limit float64, ofSlowdown bool) {
	switch {
	case work == "pingpong":
		return 1.25, true
	case work == "cpu" || work == "mixed":
		if parked <= 10_000 {
			return 1.03, false
		}
	}
	return 1.10, false
}

func driveOverhead(ctx context.Context, l *lab) ([]table, error) {
	var cells [][]spec
	for _, w := range l.workloads {
		for _, parked := range l.parked {
			var cell []spec
			for _, m := range l.modes {
				cell = append(cell, spec{Scenario: "overhead", Mode: m, Workload: w, Parked: parked, Window: l.window})
			}
			cells = append(cells, cell)
		}
	}
	readings, err := l.measure(ctx, l.rounds, cells)
	if err != nil {
		return nil, err
	}
	cpu := table{title: "CPU time per operation, ratio to no profile",
		columns: append(append([]string{"workload", "parked", "no profile"}, l.modes...), "goal", "verdict")}
	slow := table{title: "Slow-down: wall time per operation, ratio to no profile",
		columns: append(append([]string{"workload", "parked", "no profile, ops/s"}, l.modes...), "goal", "verdict")}
	size := table{title: "Size of the file, of a window's length, KiB",
		columns: append([]string{"workload", "parked"}, l.modes[1:]...)}

	for c, cell := range cells {
		w, parked := cell[0].Workload, cell[0].Parked
		limit, ofSlowdown := overheadGoal(w, parked)
		none := readings[c][0]
		var (
			cpuRow  = []any{w, parked, nanos(median(single(none, func(r reading) float64 { return r.Base.cpuPerOp() })))}
			slowRow = []any{w, parked, fmt.Sprintf("%.4g", median(single(none, func(r reading) float64 { return 1e9 / r.Base.wallPerOp() })))}
			sizeRow = []any{w, parked}
			goals   = [2][]any{{"", ""}, {"", ""}}
		)
		for i, m := range l.modes {
			rs := readings[c][i]
			onCPU, onWall := newFigure(single(rs, reading.cpuRatio)), newFigure(single(rs, reading.slowdown))
			cpuRow = append(cpuRow, onCPU.show("%.3f"))
			slowRow = append(slowRow, onWall.show("%.3f"))
			if m != modeNone {
				kib := median(single(rs, func(r reading) float64 { return float64(r.Bytes) / 1024 }))
				sizeRow = append(sizeRow, fmt.Sprintf("%.0f", kib))
			}
			if m == modeProfscope {
				goal := fmt.Sprintf("<= %.2f", limit)
				if ofSlowdown {
					goals[1] = []any{goal, onWall.verdict(limit)}
				} else {
					goals[0] = []any{goal, onCPU.verdict(limit)}
				}
			}
		}
		cpu.add(append(cpuRow, goals[0]...)...)
		slow.add(append(slowRow, goals[1]...)...)
		size.add(sizeRow...)
	}
	for _, w := range l.workloads {
		found, err := workload.Find(w)
		if err != nil {
			return nil, err
		}
		cpu.note("%s: %s.", found.Name, found.Op)
	}
	return []table{cpu, slow, size}, nil
}

// nanos writes a time in nanoseconds with the unit that suits it.
func nanos(ns float64) string {
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	case ns < 1e9:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	}
	return fmt.Sprintf("%.3g s", ns/1e9)
}
