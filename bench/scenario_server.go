package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/trace"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/bench/workload"
)

var serverScenario = scenario{
	name:  "server",
	title: "A running server, recorded by HTTP",
	about: "The server of workload mixed behind httpprofile.Middleware, at full load; clients and server share the process. " +
		"off: no recording runs. recording: /start_profile before and /stop_profile after, the file included, and a file " +
		"for the route. trace, CPU: the runtime's trace and CPU profile into a file, without profscope, which is what a " +
		"recording of both cannot cost less than. keep: PROFSCOPE_KEEP=30s, which cannot be switched off again, so that its " +
		"base is all before. FlightRecorder: the runtime's, of as much, without profscope: the least that keeping costs. " +
		"stop: /stop_profile while the load goes on. sessions: 200 clients start and stop sessions of their own.",
	drive: driveServer,
	work:  workServer,
}

// What stands before the handler while it is measured.
const (
	variantOff       = "off"
	variantRecording = "recording"
	variantTrace     = "trace, CPU"
	variantKeep      = "keep"
	variantFlight    = "FlightRecorder"
)

func workServer(s spec) (r reading, err error) {
	door := newRecorded(s.Dir)
	defer door.close()
	load, err := workload.NewMixed(s.Dir, door.wrap)
	if err != nil {
		return r, err
	}
	defer load.Close()
	load.Run(min(s.Window/5, 300*time.Millisecond))
	switch s.Variant {
	case "stop":
		return serverStop(s, door, load)
	case "sessions":
		return serverSessions(s, door, load)
	}

	bare := mode{modeNone, func(string) (func() (string, error), error) {
		door.direct.Store(true)
		return func() (string, error) { return "", nil }, nil
	}}
	base := func() (x reading, p99 float64, err error) {
		x, err = window(load, bare, s.Dir, s.Window)
		return x, percentile(load.Lengths(), 0.99), err
	}
	before, p99, err := base()
	if err != nil {
		return r, err
	}
	var after reading
	var p99After float64
	if s.Variant == variantKeep {
		if after, p99After, err = base(); err != nil {
			return r, err
		}
	}
	r, err = window(load, mode{s.Variant, func(dir string) (func() (string, error), error) {
		door.direct.Store(s.Variant == variantTrace || s.Variant == variantFlight)
		switch s.Variant {
		case variantRecording:
			_, err := door.post("/start_profile", "bench")
			return func() (string, error) { return door.post("/stop_profile", "bench") }, err
		case variantTrace:
			return startTraceCPU(dir)
		case variantKeep:
			door.keep(kept)
		case variantFlight:
			fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: kept, MaxBytes: 64 << 20})
			return func() (string, error) { fr.Stop(); return "", nil }, fr.Start()
		}
		return func() (string, error) { return "", nil }, nil
	}}, s.Dir, s.Window)
	if err != nil {
		return r, err
	}
	with := percentile(load.Lengths(), 0.99)
	if s.Variant != variantKeep {
		if after, p99After, err = base(); err != nil {
			return r, err
		}
	}
	r.Base = &reading{Ops: before.Ops + after.Ops, Work: before.Work + after.Work, Wall: before.Wall + after.Wall, CPU: before.CPU + after.CPU}
	r.Values = map[string]float64{"p99": 2 * with / (p99 + p99After)}
	return r, nil
}

// percentile returns the q-quantile in milliseconds.
func percentile(ds []time.Duration, q float64) float64 {
	ms := make([]float64, len(ds))
	for i, d := range ds {
		ms[i] = d.Seconds() * 1e3
	}
	if len(ms) == 0 {
		return 0
	}
	slices.Sort(ms)
	return quantile(ms, q)
}

// serverStop records for the window, and stops while the load goes on.
func serverStop(s spec, door *recorded, load *workload.Mixed) (r reading, err error) {
	door.direct.Store(false)
	if _, err := door.post("/start_profile", "bench"); err != nil {
		return r, err
	}
	load.Run(s.Window)
	const part = time.Second
	load.Run(part)
	before := percentile(load.Lengths(), 0.99)
	done := make(chan struct{})
	go func() {
		defer close(done)
		load.Run(part)
	}()
	time.Sleep(part / 10)
	began := time.Now()
	file, err := door.post("/stop_profile", "bench")
	took := time.Since(began)
	if err != nil {
		return r, err
	}
	<-done
	if _, err := fileSize(file); err != nil {
		return r, err
	}
	r.Values = map[string]float64{"ms": took.Seconds() * 1e3, "p99": percentile(load.Lengths(), 0.99) / before}
	return r, nil
}

const (
	sessionClients = 200
	kept           = 30 * time.Second
)

// serverSessions has clients start and stop sessions for the window.
func serverSessions(s spec, door *recorded, load *workload.Mixed) (r reading, err error) {
	door.direct.Store(false)
	var sessions, failed atomic.Int64
	round := func(d time.Duration) {
		end := time.Now().Add(d)
		var all sync.WaitGroup
		all.Go(func() { load.Run(d) })
		for i := range sessionClients {
			all.Go(func() {
				name := fmt.Sprint("session-", i)
				for time.Now().Before(end) {
					if _, err := door.post("/start_profile", name); err != nil {
						failed.Add(1)
						continue
					}
					file, err := door.post("/stop_profile", name)
					if err == nil {
						_, err = fileSize(file)
					}
					if err != nil {
						failed.Add(1)
					}
					sessions.Add(1)
				}
			})
		}
		all.Wait()
	}
	state := func() (goroutines, descriptors int, mib float64) {
		time.Sleep(time.Second) // the recording and idle connections end
		runtime.GC()
		runtime.GC() // what pools hold goes with the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fds, _ := os.ReadDir("/proc/self/fd") // 0 where there is none
		return runtime.NumGoroutine(), len(fds), float64(m.HeapAlloc) / (1 << 20)
	}
	round(s.Window / 4)
	g0, fd0, mib0 := state()
	round(s.Window)
	g1, fd1, mib1 := state()
	r.Values = map[string]float64{"sessions": float64(sessions.Load()), "failed": float64(failed.Load()),
		"goroutines": float64(g1 - g0), "descriptors": float64(fd1 - fd0), "mib": mib1 - mib0}
	return r, nil
}

func driveServer(ctx context.Context, l *lab) ([]table, error) {
	var cell []spec
	for _, v := range []string{variantOff, variantRecording, variantTrace, variantKeep, variantFlight} {
		cell = append(cell, spec{Scenario: "server", Mode: modeProfscope, Variant: v, Window: l.window})
	}
	long := 40 * l.window // a minute of a normal run
	stops := []spec{{Scenario: "server", Mode: modeProfscope, Variant: "stop", Window: long, Once: true}}
	sessions := []spec{{Scenario: "server", Mode: modeProfscope, Variant: "sessions", Window: long, Once: true}}
	cost, err := l.measure(ctx, l.rounds, [][]spec{cell})
	if err != nil {
		return nil, err
	}
	once, err := l.measure(ctx, 1, [][]spec{stops, sessions})
	if err != nil {
		return nil, err
	}
	t := table{title: "Cost of a request, ratio to no middleware", columns: []string{"middleware", "CPU", "goal", "verdict", "p99 latency", "goal", "verdict"}}
	limits := map[string]float64{variantOff: 1.005, variantRecording: 1.03, variantKeep: 1.02}
	for i, s := range cell {
		cpu, p99 := newFigure(single(cost[0][i], reading.cpuRatio)), newFigure(single(cost[0][i], value("p99")))
		row := []any{s.Variant, cpu.show("%.3f"), "", "", p99.show("%.3f"), "", ""}
		if limit, ok := limits[s.Variant]; ok {
			row[2], row[3] = fmt.Sprintf("<= %.4g", limit), cpu.verdict(limit)
		}
		if s.Variant == variantRecording {
			row[5], row[6] = "<= 1.05", p99.verdict(1.05)
		}
		t.add(row...)
	}
	one := table{title: fmt.Sprintf("After %v, and %d sessions for %v, at full load", long.Round(time.Second), sessionClients, long.Round(time.Second)),
		columns: []string{"what", "profscope", "goal", "verdict"}}
	add := func(what, name string, rs []reading, format string, limit float64) {
		f := newFigure(single(rs, value(name)))
		one.add(what, f.show(format), fmt.Sprintf("<= %g", limit), f.verdict(limit))
	}
	add("stop_profile until durable, ms", "ms", once[0][0], "%.0f", 1000)
	add("p99 of requests meanwhile, ratio", "p99", once[0][0], "%.2f", 2)
	one.add("sessions", newFigure(single(once[1][0], value("sessions"))).show("%.0f"), "", "")
	add("sessions lost", "failed", once[1][0], "%.0f", 0)
	add("goroutines more", "goroutines", once[1][0], "%+.0f", 0)
	add("descriptors more", "descriptors", once[1][0], "%+.0f", 0)
	add("heap more, MiB", "mib", once[1][0], "%+.1f", 4)
	return []table{t, one}, nil
}
