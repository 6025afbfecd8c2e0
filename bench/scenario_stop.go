package main

import (
	"context"
	"fmt"
	"time"

	"github.com/profscope/profscope/bench/workload"
)

var stopScenario = scenario{
	name:  "stop",
	title: "From stop() to the durable file",
	about: "Wall time of stop() after a scope of 1 s; three scopes a process, of which the median counts. " +
		"quiet: the work has ended before. busy: it goes on meanwhile, and stop() has to share the cores. " +
		"mixed keeps all cores busy; events makes a million trace events a second.",
	drive: driveStop,
	work:  workStop,
}

const stopScopes = 3

func workStop(s spec) (r reading, err error) {
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
		return r, err
	}
	defer load.Close()
	load.Run(s.Window / 5)
	busy := time.Duration(0)
	if s.Variant == "busy" {
		busy = s.Window / 2 // longer than any stop that is near the goal
	}
	var ms, kib []float64
	for range stopScopes {
		stop, err := m.start(s.Dir)
		if err != nil {
			return r, err
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			load.Run(s.Window + busy)
		}()
		if busy > 0 {
			time.Sleep(s.Window)
		} else {
			<-done
		}
		began := time.Now()
		file, err := stop()
		ms = append(ms, time.Since(began).Seconds()*1e3)
		if err != nil {
			return r, err
		}
		<-done
		size, err := fileSize(file)
		if err != nil {
			return r, err
		}
		kib = append(kib, float64(size)/1024)
	}
	r.Values = map[string]float64{"ms": median(ms), "kib": median(kib)}
	return r, nil
}

func driveStop(ctx context.Context, l *lab) ([]table, error) {
	window := time.Duration(float64(l.window) / 1.5) // 1 s of a normal run
	var cells [][]spec
	for _, w := range []string{"mixed", "events"} {
		for _, v := range []string{"quiet", "busy"} {
			var cell []spec
			for _, m := range l.modes {
				if m != modeNone {
					cell = append(cell, spec{Scenario: "stop", Mode: m, Workload: w, Variant: v, Window: window})
				}
			}
			cells = append(cells, cell)
		}
	}
	readings, err := l.measure(ctx, l.rounds, cells)
	if err != nil {
		return nil, err
	}
	t := table{title: fmt.Sprintf("Scope of %v", window.Round(time.Millisecond)),
		columns: []string{"workload", "meanwhile", "mode", "stop, ms", "slowest", "file, KiB", "goal", "verdict"}}
	for c, cell := range cells {
		for i, s := range cell {
			f := newFigure(single(readings[c][i], value("ms")))
			goal, verdict := "", ""
			if s.Mode == modeProfscope {
				goal, verdict = "<= 10", f.verdict(10)
			}
			t.add(s.Workload, s.Variant, s.Mode, f.show("%.1f"), fmt.Sprintf("%.1f", f.most),
				fmt.Sprintf("%.0f", median(single(readings[c][i], value("kib")))), goal, verdict)
		}
	}
	return []table{t}, nil
}
