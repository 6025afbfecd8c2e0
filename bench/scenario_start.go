package main

import (
	"context"
	"fmt"
	"time"
)

var startScenario = scenario{
	name:  "start",
	title: "First Start of a process",
	about: "Wall time of the first call in a fresh process, three processes a round.",
	drive: driveStart,
	work:  workStart,
}

func workStart(s spec) (r reading, err error) {
	m, err := findMode(s.Mode)
	if err != nil {
		return r, err
	}
	began := time.Now()
	stop, err := m.start(s.Dir)
	took := time.Since(began)
	if err != nil {
		return r, err
	}
	time.Sleep(50 * time.Millisecond) // fgprof needs a sample
	if _, err := stop(); err != nil {
		return r, err
	}
	r.Values = map[string]float64{"ms": took.Seconds() * 1e3}
	return r, nil
}

func driveStart(ctx context.Context, l *lab) ([]table, error) {
	var cell []spec
	for _, m := range l.modes {
		if m != modeNone {
			cell = append(cell, spec{Scenario: "start", Mode: m})
		}
	}
	readings, err := l.measure(ctx, 3*l.rounds, [][]spec{cell})
	if err != nil {
		return nil, err
	}
	t := table{columns: []string{"mode", "first Start, ms", "slowest", "goal", "verdict"}}
	for i, s := range cell {
		f := newFigure(single(readings[0][i], value("ms")))
		goal, verdict := "", ""
		if s.Mode == modeProfscope {
			goal, verdict = "<= 2", f.verdict(2)
		}
		t.add(s.Mode, f.show("%.3f"), fmt.Sprintf("%.3f", f.most), goal, verdict)
	}
	return []table{t}, nil
}
