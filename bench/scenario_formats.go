package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/profscope/profscope/bench/workload"
)

var formatsScenario = scenario{
	name:  "formats",
	title: "The command line: reading and converting files",
	about: "Whole processes of `profscope`, beside Python's json.load of the same file. The torch trace is a real one of " +
		"7 MB, repeated with later times and other ids; the Go trace is of a server and a pipeline under load, with CPU samples. " +
		"Seconds are of the wall clock; MB is 10^6 bytes, peak is the largest resident size.",
	drive: driveFormats,
	work:  workFormats,
}

// Goals of the issue that asked for the command line.
const (
	formatsRatio  = 0.25 // of json.load
	formatsPeak   = 256  // MiB
	formatsSpeed  = 20   // MB/s
	formatsSmall  = 0.5  // .pftrace of .json
	formatsGrowth = 0.10 // of what the file has more: what is called flat
	badSeconds    = 10
	badPeak       = 512 // MiB
)

func workFormats(s spec) (reading, error) {
	if s.Variant != "record" {
		return runCommand(s.Args)
	}
	// A server and a pipeline at once: the one alone would take minutes for a
	// trace of 100 MB, and the other has but two kinds of events.
	var loads []workload.Load
	for _, name := range []string{"mixed", "events"} {
		w, err := workload.Find(name)
		if err != nil {
			return reading{}, err
		}
		load, err := w.New(s.Dir)
		if err != nil {
			return reading{}, err
		}
		defer load.Close()
		loads = append(loads, load)
	}
	return reading{}, recordTrace(s.Args[0], s.Size, func(d time.Duration) (n int64) {
		done := make(chan int64)
		for _, l := range loads {
			go func() { done <- l.Run(d) }()
		}
		for range loads {
			n += <-done
		}
		return n
	})
}

// formatsLab is what the scenario's parts share.
type formatsLab struct {
	*lab
	dir string
	exe string // profscope
}

func (l *formatsLab) spec(mode, variant string, args ...string) spec {
	// Python takes seconds, and what is compared runs back to back: nothing is
	// taken again.
	return spec{Scenario: "formats", Mode: mode, Variant: variant, Window: l.window, Args: args, Once: true}
}

func driveFormats(ctx context.Context, parent *lab) ([]table, error) {
	dir, err := os.MkdirTemp(parent.dir, "formats-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	l := &formatsLab{lab: parent, dir: dir, exe: filepath.Join(dir, "profscope.exe")}
	build := exec.CommandContext(ctx, "go", "build", "-o", l.exe, "./cmd/profscope")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the command (run from the root of the module): %w: %s", err, out)
	}
	var tables []table
	for _, part := range []func(context.Context) (table, error){l.torch, l.goTrace, l.bad} {
		t, err := part(ctx)
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, nil
}

func megabytes(name string) float64 {
	info, err := os.Stat(name)
	if err != nil {
		return math.NaN()
	}
	return float64(info.Size()) / 1e6
}

func seconds(r reading) float64 { return r.Wall.Seconds() }

// peak shows the peaks of readings, and judges them.
func peak(rs []reading, limit float64) (shown, verdict string, mid float64) {
	if len(rs) > 0 && math.IsNaN(value("peak")(rs[0])) {
		return "not measured here", "", math.NaN()
	}
	f := newFigure(single(rs, value("peak")))
	return f.show("%.0f"), f.verdict(limit), f.mid
}

// succeeded drops readings of commands that failed.
func (l *formatsLab) succeeded(name string, rs []reading) []reading {
	var good []reading
	for _, r := range rs {
		if r.Err == nil && r.Values["exit"] != 0 {
			r.Err = fmt.Errorf("%s: exit code %v", name, r.Values["exit"])
			l.failures = append(l.failures, r.Err)
		}
		good = append(good, r)
	}
	return good
}

const (
	jsonLoad     = "import json,sys; json.load(open(sys.argv[1]))"
	jsonLoadGzip = "import gzip,json,sys; json.load(gzip.open(sys.argv[1]))"
)

// torch measures stats of a torch trace, plain, gzipped, and four times as
// large.
func (l *formatsLab) torch(ctx context.Context) (table, error) {
	t := table{title: "stats of a torch trace", columns: []string{"file", "MB", "profscope stats, s", "MB/s", "json.load, s",
		"ratio", "goal", "verdict", "peak, MiB", "goal", "verdict", "json.load's peak, MiB"}}
	text, err := readTorch(torchFixture)
	if err != nil {
		return t, err
	}
	files := []struct {
		name, python string
		size         int64
	}{
		{"torch.json", jsonLoad, l.size}, {"torch.json.gz", jsonLoadGzip, l.size}, {"torch4.json", "", 4 * l.size},
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.note("json.load was not measured: python3 is not installed.")
	}
	var cells [][]spec
	for i := range files {
		f := &files[i]
		f.name = filepath.Join(l.dir, f.name)
		if err := writeTorch(text, f.name, f.size); err != nil {
			return t, err
		}
		cell := []spec{l.spec(modeProfscope, filepath.Base(f.name), l.exe, "stats", f.name)}
		if python != "" && f.python != "" {
			cell = append(cell, l.spec("json.load", filepath.Base(f.name), python, "-c", f.python, f.name))
		}
		cells = append(cells, cell)
	}
	readings, err := l.measure(ctx, l.rounds, cells)
	if err != nil {
		return t, err
	}
	var peaks []float64
	for c, f := range files {
		ours := l.succeeded("profscope stats", readings[c][0])
		mb := megabytes(f.name)
		took := newFigure(single(ours, seconds))
		row := []any{filepath.Base(f.name), fmt.Sprintf("%.1f", mb), took.show("%.2f"), fmt.Sprintf("%.0f", mb/took.mid), "", "", "", ""}
		shown, verdict, mid := peak(ours, formatsPeak)
		theirs := ""
		if len(readings[c]) > 1 {
			py := l.succeeded("json.load", readings[c][1])
			ratio := newFigure(paired(ours, py, func(a, b reading) float64 { return seconds(a) / seconds(b) }))
			row[4], row[5] = newFigure(single(py, seconds)).show("%.2f"), ratio.show("%.3f")
			row[6], row[7] = fmt.Sprintf("<= %v", formatsRatio), ratio.verdict(formatsRatio)
			theirs, _, _ = peak(py, formatsPeak)
		}
		t.add(append(row, shown, fmt.Sprintf("<= %d", formatsPeak), verdict, theirs)...)
		peaks = append(peaks, mid)
	}
	growth := (peaks[2] - peaks[0]) * (1 << 20) / 1e6 / (megabytes(files[2].name) - megabytes(files[0].name))
	verdict := "missed"
	if growth <= formatsGrowth {
		verdict = "met"
	}
	t.note("Flat: the peak grows by %.3f MB for each MB that the file has more; at most %v is called flat: %s.", growth, formatsGrowth, verdict)
	return t, nil
}

func writeTorch(text *torchText, name string, size int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	var w io.WriteCloser = f
	if filepath.Ext(name) == ".gz" {
		w = gzip.NewWriter(f)
	}
	err = text.write(w, size)
	if w != f {
		err = errors.Join(err, w.Close())
	}
	return errors.Join(err, f.Close())
}

// goTrace measures conversions of a Go trace.
func (l *formatsLab) goTrace(ctx context.Context) (table, error) {
	t := table{title: "convert of a Go trace", columns: []string{"to", "MB", "s", "CPU, s", "MB/s of the trace", "goal", "verdict",
		"peak, MiB", "goal", "verdict", "of the .json", "goal", "verdict"}}
	in := filepath.Join(l.dir, "go.trace")
	record := l.spec("trace", "record", in)
	record.Size, record.Window = l.size, time.Minute // it may take five
	fmt.Fprintln(l.progress, "formats: recording a Go trace")
	if r := l.one(ctx, record); r.Err != nil {
		return t, r.Err
	}
	mb := megabytes(in)
	t.title = fmt.Sprintf("convert of a Go trace of %.0f MB", mb)
	endings := []string{".pftrace", ".json", ".prof"}
	var cell []spec
	for _, e := range endings {
		cell = append(cell, l.spec(modeProfscope, "go.trace to "+e, l.exe, "convert", in, filepath.Join(l.dir, "out"+e)))
	}
	// The outputs are many times as large as the trace.
	readings, err := l.measure(ctx, min(l.rounds, 5), [][]spec{cell})
	if err != nil {
		return t, err
	}
	for i, e := range endings {
		rs := l.succeeded("profscope convert", readings[0][i])
		took := newFigure(single(rs, seconds))
		speed := newFigure(single(rs, func(r reading) float64 { return mb / seconds(r) }))
		shown, verdict, _ := peak(rs, formatsPeak)
		out := filepath.Join(l.dir, "out"+e)
		row := []any{e, fmt.Sprintf("%.1f", megabytes(out)), took.show("%.2f"),
			newFigure(single(rs, func(r reading) float64 { return r.CPU.Seconds() })).show("%.2f"), speed.show("%.1f"), "", "",
			shown, "", "", "", "", ""}
		if e == ".pftrace" {
			share := megabytes(out) / megabytes(filepath.Join(l.dir, "out.json"))
			small := "missed"
			if share <= formatsSmall {
				small = "met"
			}
			row[5], row[6] = fmt.Sprintf(">= %d", formatsSpeed), speed.atLeast(formatsSpeed)
			row[8], row[9] = fmt.Sprintf("<= %d", formatsPeak), verdict
			row[10], row[11], row[12] = fmt.Sprintf("%.2f", share), fmt.Sprintf("<= %v", formatsSmall), small
		}
		t.add(row...)
	}
	return t, nil
}

// bad measures what the command does with files that no program wrote.
func (l *formatsLab) bad(ctx context.Context) (table, error) {
	size := int(l.size)
	t := table{title: fmt.Sprintf("Bad inputs, of %.0f MB or more", float64(size)/1e6), columns: []string{"input", "MB", "stats, s", "convert, s", "goal", "verdict",
		"peak, MiB", "goal", "verdict", "exit codes"}}
	for _, b := range badInputs() {
		name, err := b.make(l.dir, size)
		if err != nil {
			return t, err
		}
		readings, err := l.measure(ctx, 1, [][]spec{{
			l.spec(modeProfscope, b.name, l.exe, "stats", name),
			l.spec(modeProfscope, b.name, l.exe, "convert", name, filepath.Join(l.dir, "bad.prof")),
		}})
		if err != nil {
			return t, err
		}
		both := []reading{readings[0][0][0], readings[0][1][0]}
		inTime, inMemory := "met", "met"
		most := 0.0
		for _, r := range both {
			if r.Err != nil || seconds(r) > badSeconds || r.Values["panicked"] != 0 {
				inTime = "missed"
			}
			most = max(most, value("peak")(r))
		}
		shown := fmt.Sprintf("%.0f", most)
		switch {
		case math.IsNaN(most):
			shown, inMemory = "not measured here", ""
		case most > badPeak:
			inMemory = "missed"
		}
		t.add(b.name, fmt.Sprintf("%.1f", megabytes(name)), fmt.Sprintf("%.2f", seconds(both[0])), fmt.Sprintf("%.2f", seconds(both[1])),
			fmt.Sprintf("< %d", badSeconds), inTime, shown, fmt.Sprintf("< %d", badPeak), inMemory,
			fmt.Sprintf("%v, %v", both[0].Values["exit"], both[1].Values["exit"]))
		if err := os.Remove(name); err != nil {
			return t, err
		}
	}
	return t, nil
}
