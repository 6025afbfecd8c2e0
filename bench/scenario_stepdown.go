package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/profscope/profscope/bench/workload"
)

var stepdownScenario = scenario{
	name:  "stepdown",
	title: "Stepping down under overload",
	about: "Channel ping-pong flat out, first without and then with a profile in one process. Settled is the moment " +
		"from which the mean rate of the rest of the run, and of each following second, is at least bare / 1.25. The " +
		"clock begins when Start is called and ticks every 20 ms.",
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
	r.Values = map[string]float64{
		"slowdown": bare / (float64(r.Ops) / r.Work.Seconds()),
		"settled":  -1,
	}
	perSecond := int(time.Second / stepdownTick)
	if i := settled(rates, bare/1.25, perSecond); i == 0 {
		r.Values["settled"] = 0
	} else if i > 0 {
		r.Values["settled"] = float64(ends[i-1]) / 1e6
	}
	if i := int(r.Values["settled"]); i >= 0 {
		k := max(0, settled(rates, bare/1.25, perSecond))
		r.Values["after"] = bare / mean(rates[k:])
	}
	return r, nil
}

// settled returns the first i such that each stretch of rates of length n from
// i on, and all of it, has a mean of at least floor, or -1. One slow tick
// later on is allowed: a recording in slices slows while a slice lasts.
func settled(rates []float64, floor float64, n int) int {
	n = min(n, len(rates)/2)
	if n == 0 {
		return -1
	}
	first := -1
	for i := len(rates) - n; i >= 0; i-- {
		if mean(rates[i:i+n]) < floor {
			break
		}
		first = i
	}
	return first
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
	for _, m := range []string{modeNoneAgain, modeProfscope, "trace"} {
		if has(l.modes, m) {
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
			if r.Err == nil && r.Values["settled"] >= 0 {
				in++
			}
		}
		at := newFigure(single(rs, func(r reading) float64 {
			if v := r.Values["settled"]; v >= 0 {
				return v
			}
			return math.Inf(1)
		}))
		row := []any{s.Mode, newFigure(single(rs, value("slowdown"))).show("%.2f"),
			fmt.Sprintf("%d of %d", in, len(rs)), at.show("%.0f"), "", "", "", "", ""}
		if in == len(rs) {
			after := newFigure(single(rs, value("after")))
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
