// Command bench measures profscope beside the profilers that a Go program
// could use instead, all in one run:
//
//	go run ./bench                        everything, about an hour and a half
//	go run ./bench start handle           these scenarios
//	go run ./bench -only start,handle     the same
//	go run ./bench -quick                 does it work; the figures mean little
//
// Each measurement is a fresh process. Rounds are interleaved and the order of
// modes rotates from round to round, so that a machine that slows down for a
// minute slows all of them. Overhead is the ratio to the same work in the same
// process without a profile, half of it before and half after: a machine's
// speed drifts by a tenth within a minute, and so nearly all of that cancels.
// Shown is the median over rounds with an order-statistic interval of 95 %.
// The mode "none" has no profiler: what it shows is noise.
//
// It prints a table per scenario and replaces those scenarios' sections in
// bench/RESULTS.md. Run it from the root of the module.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 2 && args[0] == workerFlag {
		return work(args[1], stdout, stderr)
	}
	p, err := parsePlan(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = p.run(ctx, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// A plan is what the command line asked for.
type plan struct {
	scenarios []scenario
	workloads []string
	modes     []string
	parked    []int
	rounds    int
	window    time.Duration
	hot       time.Duration
	size      int64 // of the files of scenario formats
	results   string
	command   string
}

func parsePlan(args []string, stderr io.Writer) (*plan, error) {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	var (
		only      = fs.String("only", "", "`scenarios` to run, of "+strings.Join(scenarioNames(), ","))
		workloads = fs.String("workloads", "cpu,mixed,pingpong,shortgo,gc", "`workloads` of scenario overhead, of "+strings.Join(workloadNames(), ","))
		modes     = fs.String("modes", strings.Join(modeNames(), ","), "`modes` to compare; none is always there")
		parked    = fs.String("parked", "0,10000,100000", "`numbers` of parked goroutines in scenario overhead")
		rounds    = fs.Int("rounds", 10, "rounds of each measurement")
		window    = fs.Duration("window", 1500*time.Millisecond, "length of one measurement")
		hot       = fs.Duration("hot-duration", time.Minute, "length of scenario hot; its goal is stated for 10m")
		quick     = fs.Bool("quick", false, "3 rounds of short windows, writes no results unless -results is given")
		size      = fs.Int("formats-size", 100, "`megabytes` of the files of scenario formats")
		results   = fs.String("results", filepath.Join("bench", "RESULTS.md"), "`file` to update, or empty for none")
	)
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		if *only != "" {
			return nil, fmt.Errorf("unexpected argument %q beside -only", fs.Arg(0))
		}
		*only = strings.Join(fs.Args(), ",")
	}
	if *quick {
		given := make(map[string]bool)
		fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
		quicken := func(name, value string) {
			if !given[name] {
				fs.Set(name, value)
			}
		}
		quicken("rounds", "3")
		quicken("window", "250ms")
		quicken("hot-duration", "5s")
		quicken("parked", "0,10000")
		quicken("results", "")
		quicken("formats-size", "10")
	}
	p := &plan{
		rounds:  *rounds,
		window:  *window,
		hot:     *hot,
		size:    int64(*size) * 1e6,
		results: *results,
		command: strings.Join(append([]string{"go run ./bench"}, args...), " "),
	}
	if p.size < 8e6 {
		return nil, errors.New("-formats-size: the file that is repeated has 7 megabytes")
	}
	if p.rounds < 1 || p.window < 20*time.Millisecond || p.hot < time.Second {
		// fgprof divides by zero when it ends before its first sample.
		return nil, errors.New("need at least 1 round, a window of 20ms and a hot scenario of 1s")
	}
	var err error
	if p.scenarios, err = findScenarios(*only); err != nil {
		return nil, err
	}
	if p.workloads, err = pickWorkloads(*workloads); err != nil {
		return nil, err
	}
	if p.modes, err = pickModes(*modes); err != nil {
		return nil, err
	}
	for s := range strings.SplitSeq(*parked, ",") {
		var n int
		if _, err := fmt.Sscan(s, &n); err != nil || n < 0 {
			return nil, fmt.Errorf("-parked: %q is no number of goroutines", s)
		}
		p.parked = append(p.parked, n)
	}
	if p.results != "" {
		if _, err := os.Stat(filepath.Dir(p.results)); err != nil {
			return nil, fmt.Errorf("cannot write results (run from the root of the module, or give -results): %w", err)
		}
	}
	return p, nil
}

func (p *plan) run(ctx context.Context, stdout, stderr io.Writer) error {
	l, err := newLab(p, stderr)
	if err != nil {
		return err
	}
	defer l.close()
	for _, s := range p.scenarios {
		begin := time.Now()
		l.readings, l.disturbed = 0, 0
		tables, err := s.drive(ctx, l)
		if err != nil {
			return fmt.Errorf("scenario %s: %w", s.name, err)
		}
		sec := section{name: s.name, title: s.title, about: s.about, origin: l.origin(s, begin), tables: tables}
		fmt.Fprint(stdout, sec.text())
		if p.results != "" {
			// Now and not at the end: a run that is broken off keeps what it has.
			if err := updateResults(p.results, sec); err != nil {
				return err
			}
		}
	}
	if n := len(l.failures); n > 0 {
		return fmt.Errorf("%d measurements failed, the first: %w", n, l.failures[0])
	}
	return nil
}

// origin tells where a section's figures are from. Sections may be of
// different runs, so each has its own.
func (l *lab) origin(s scenario, begin time.Time) string {
	rounds := fmt.Sprintf("%d rounds", l.rounds)
	if s.once {
		rounds = "once"
	}
	origin := fmt.Sprintf("%s, `%s`, %s, windows of %v; %s.", begin.UTC().Format("2006-01-02 15:04 UTC"),
		l.command, rounds, l.window, machine())
	if l.readings > 0 {
		origin += fmt.Sprintf(" Other programs used more than %.2f cores during %d of %d readings.",
			disturbance, l.disturbed, l.readings)
	}
	return origin
}

func has(list []string, s string) bool { return slices.Contains(list, s) }
