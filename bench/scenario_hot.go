package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/profscope/profscope/bench/workload"
)

var hotScenario = scenario{
	name:  "hot",
	title: "A hot scope for a long time",
	about: "100,000 calls a second of one handle. Resident memory is read each second; the settled part is what comes " +
		"after the first minute, or after the first third of a shorter run. Writes are changes of the file seen " +
		"every 20 ms. Slow stops are calls of Stop of more than 100 µs, in which a recording is ended or a file written.",
	once:  true,
	drive: driveHot,
	work:  workHot,
}

const slowStop = 100 * time.Microsecond

func workHot(s spec) (r reading, err error) {
	file := filepath.Join(s.Dir, "hot.prof")
	h := newHandle(file, s.Mode == modeProfscope)
	stopWatching := make(chan struct{})
	seen := make(chan hotSeries)
	go func() { seen <- watchHot(file, stopWatching) }()

	watch, err := startWatch()
	if err != nil {
		return r, err
	}
	var slow, slowest time.Duration
	var failed error
	r.Ops = workload.Paced(s.Window, 100_000, 1000, func(n int64) {
		for range n {
			stop := h.open()
			workload.Brief()
			began := time.Now()
			if err := stop(); err != nil {
				failed = err
			}
			if took := time.Since(began); took > slowStop {
				slow += took
				slowest = max(slowest, took)
			}
		}
	})
	r.Work = time.Since(watch.wall)
	if err := flush(); err != nil {
		return r, err
	}
	if err := watch.into(&r); err != nil {
		return r, err
	}
	close(stopWatching)
	series := <-seen
	if failed != nil {
		return r, failed
	}
	if series.err != nil {
		return r, series.err
	}
	if s.Mode == modeProfscope {
		if r.Bytes, err = fileSize(file); err != nil {
			return r, err
		}
	}
	r.Values = series.values()
	r.Values["slow"] = 100 * slow.Seconds() / r.Work.Seconds()
	r.Values["slowest"] = slowest.Seconds() * 1e3
	return r, nil
}

// A hotSeries is what was seen of a process from its side.
type hotSeries struct {
	resident []float64 // MiB, one a second
	writes   int
	err      error
}

func watchHot(file string, stop <-chan struct{}) (s hotSeries) {
	const every = 20 * time.Millisecond
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	var last os.FileInfo
	for i := 0; ; i++ {
		if i%int(time.Second/every) == 0 {
			n, err := resident()
			if err != nil {
				s.err = err
				return s
			}
			s.resident = append(s.resident, float64(n)/(1<<20))
		}
		// A file that is replaced by renaming is another file each time.
		if info, err := os.Stat(file); err == nil {
			if last == nil || !os.SameFile(info, last) || !info.ModTime().Equal(last.ModTime()) {
				s.writes++
			}
			last = info
		}
		select {
		case <-stop:
			return s
		case <-ticks.C:
		}
	}
}

func (s hotSeries) values() map[string]float64 {
	n := len(s.resident)
	settled := min(60, n/3)
	tail := s.resident[settled:]
	// Growth of the settled part: its last fifth against its first, by
	// medians, so that a garbage collection's tooth is not taken for growth.
	fifth := max(1, len(tail)/5)
	return map[string]float64{
		"first":  s.resident[0],
		"peak":   slices.Max(s.resident),
		"last":   s.resident[n-1],
		"flat":   median(tail[len(tail)-fifth:]) - median(tail[:fifth]),
		"writes": float64(s.writes),
	}
}

func driveHot(ctx context.Context, l *lab) ([]table, error) {
	cell := []spec{
		{Scenario: "hot", Mode: modeNone, Window: l.hot, Once: true},
		{Scenario: "hot", Mode: modeProfscope, Window: l.hot, Once: true},
	}
	fmt.Fprintf(l.progress, "hot: two processes of %v\n", l.hot)
	readings, err := l.measure(ctx, 1, [][]spec{cell})
	if err != nil {
		return nil, err
	}
	none, ours := readings[0][0], readings[0][1]
	of := func(rs []reading, name string) figure { return newFigure(single(rs, value(name))) }
	t := table{title: fmt.Sprintf("%v", l.hot), columns: []string{"what", modeNone, modeProfscope, "goal", "verdict"}}
	row := func(what, format string, get func(reading) float64, goal string, limit float64) {
		f := newFigure(single(ours, get))
		verdict := ""
		if goal != "" {
			verdict = strings.TrimSuffix(f.verdict(limit), "?")
		}
		t.add(what, newFigure(single(none, get)).show(format), f.show(format), goal, verdict)
	}
	row("calls", "%.0f", func(r reading) float64 { return float64(r.Ops) }, "", 0)
	row("cores", "%.3f", reading.cores, "", 0)
	row("resident at the start, MiB", "%.1f", value("first"), "", 0)
	row("resident at the end, MiB", "%.1f", value("last"), "", 0)
	row("growth to its peak, MiB", "%.1f", func(r reading) float64 { return r.Values["peak"] - r.Values["first"] }, "<= 64", 64)
	row("growth of the settled part, MiB", "%+.1f", value("flat"), "<= 2 (flat)", 2)
	row("time in slow stops, %", "%.3f", value("slow"), "<= 5", 5)
	row("slowest stop, ms", "%.2f", value("slowest"), "", 0)
	row("writes a second", "%.2f", func(r reading) float64 { return r.Values["writes"] / r.Wall.Seconds() }, "<= 1.1", 1.1)
	if writes := of(ours, "writes"); writes.n > 0 && writes.mid == 0 {
		t.note("No write was seen: the file came only at the end.")
	}
	return []table{t}, nil
}
