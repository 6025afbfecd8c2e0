package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/profscope/profscope/bench/workload"
)

var stepdownScenario = scenario{
	name:  "stepdown",
	title: "Stepping down under overload",
	about: "Channel ping-pong flat out, first without and then with a profile in one process. Settled is the moment " +
		"whose rate, and the mean of each second that follows, is at least bare / 1.25. The clock begins when Start is " +
		"called and ticks every 20 ms.",
	drive: driveStepdown,
	work:  workStepdown,
}

const stepdownTick = 20 * time.Millisecond

func workStepdown(s spec) (r reading, err error) {
	m, err := findMode(s.Mode)
	if err != nil {
		return r, err
	}
	w, err := workload.Find("pingpong")
	if err != nil {
		return r, err
	}
	load, err := w.New(s.Dir)
	if err != nil {
		return r, err
	}
	defer load.Close()
	load.Run(s.Window / 10)
	began := time.Now()
	bare := float64(load.Run(s.Window)) / time.Since(began).Seconds()

	began = time.Now()
	stop, err := m.start(s.Dir)
	if err != nil {
		return r, err
	}
	// Runs of one tick each: the workload's goroutines are new every time,
	// which costs it little and lets one goroutine read the rate.
	var rates []float64
	var ends []time.Duration
	for time.Since(began) < 3*s.Window {
		t := time.Now()
		ops := load.Run(stepdownTick)
		r.Ops += ops
		rates = append(rates, float64(ops)/time.Since(t).Seconds())
		ends = append(ends, time.Since(began))
	}
	r.Work = time.Since(began)
	if _, err := stop(); err != nil {
		return r, err
	}
	floor := bare / 1.25
	r.Values = map[string]float64{"slowdown": bare / (float64(r.Ops) / r.Work.Seconds())}
	i := settled(rates, floor, int(time.Second/stepdownTick))
	if i < 0 {
		return r, nil
	}
	r.Values["settled"] = 0
	if i > 0 {
		r.Values["settled"] = ends[i-1].Seconds() * 1e3
	}
	r.Values["after"] = bare / mean(rates[i:])
	return r, nil
}

// settled returns the first i with a rate of at least floor from which on
// every stretch of n rates has a mean of at least floor, or -1. Single slow
// rates later on are allowed: a recording in slices slows while a slice lasts.
func settled(rates []float64, floor float64, n int) int {
	n = min(n, len(rates)/2)
	first := len(rates)
	for i := len(rates) - n; n > 0 && i >= 0 && mean(rates[i:i+n]) >= floor; i-- {
		first = i
	}
	for i := first; n > 0 && i <= len(rates)-n; i++ {
		if rates[i] >= floor {
			return i
		}
	}
	return -1
}

func mean(values []float64) float64 {
	var total float64
	for _, v := range values {
		total += v
	}
	return total / float64(len(values))
}

func driveStepdown(ctx context.Context, l *lab) ([]table, error) {
	var cell []spec
	for _, m := range []string{modeNone, modeProfscope, "trace"} {
		if m == modeNone || has(l.modes, m) {
			cell = append(cell, spec{Scenario: "stepdown", Mode: m, Window: l.window})
		}
	}
	readings, err := l.measure(ctx, l.rounds, [][]spec{cell})
	if err != nil {
		return nil, err
	}
	t := table{columns: []string{"mode", "slow-down, whole run", "settled in", "settled after, ms", "goal", "verdict",
		"slow-down from then", "goal", "verdict"}}
	for i, s := range cell {
		rs := readings[0][i]
		in := 0
		for _, r := range rs {
			if _, ok := r.Values["settled"]; ok {
				in++
			}
		}
		at := newFigure(single(rs, func(r reading) float64 {
			if v, ok := r.Values["settled"]; ok {
				return v
			}
			return math.Inf(1)
		}))
		row := []any{s.Mode, newFigure(single(rs, value("slowdown"))).show("%.2f"),
			fmt.Sprintf("%d of %d", in, len(rs)), strings.ReplaceAll(at.show("%.0f"), "+Inf", "never"), "", "", "", "", ""}
		if in > 0 {
			after := newFigure(slices.DeleteFunc(single(rs, value("after")), math.IsNaN))
			row[6] = after.show("%.2f")
			if s.Mode == modeProfscope {
				row[7], row[8] = "<= 1.25", after.verdict(1.25)
			}
		}
		if s.Mode == modeProfscope {
			row[4], row[5] = "<= 100", at.verdict(100)
		}
		t.add(row...)
	}
	return []table{t}, nil
}
