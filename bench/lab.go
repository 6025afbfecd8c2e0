package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A lab runs workers, one at a time: two at once would measure each other.
type lab struct {
	*plan
	exe      string
	dir      string
	progress io.Writer
	failures []error

	readings, disturbed int // of the scenario under way
}

// A reading is disturbed when other programs used more than this many cores.
// It is taken again, twice at most, and the quietest of the three counts: on a
// machine that is never quiet the run must end all the same.
const (
	disturbance = 0.10
	retakes     = 2
	judgedFrom  = 500 * time.Millisecond // the machine counts in ticks of 10 ms a core
)

func newLab(p *plan, progress io.Writer) (*lab, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program to start again: %w", err)
	}
	dir, err := os.MkdirTemp("", "profscope-bench-")
	if err != nil {
		return nil, err
	}
	return &lab{plan: p, exe: exe, dir: dir, progress: progress}, nil
}

func (l *lab) close() { os.RemoveAll(l.dir) }

// rounds measures each spec of each cell n times and returns the readings by
// cell, spec and round. Specs of one cell are compared with each other, so
// they run back to back, in an order that rotates. Rounds are the outer loop:
// a cell's readings are spread over the whole run, and drift of the machine
// becomes spread that the intervals show.
func (l *lab) measure(ctx context.Context, n int, cells [][]spec) ([][][]reading, error) {
	out := make([][][]reading, len(cells))
	for c := range cells {
		out[c] = make([][]reading, len(cells[c]))
		for s := range out[c] {
			out[c][s] = make([]reading, n)
		}
	}
	begin, done := time.Now(), 0
	for round := range n {
		for c, cell := range cells {
			for k := range cell {
				s := (k + round) % len(cell)
				out[c][s][round] = l.one(ctx, cell[s])
				if err := ctx.Err(); err != nil {
					return nil, err
				}
			}
			done++
			left := time.Since(begin) / time.Duration(done) * time.Duration(n*len(cells)-done)
			fmt.Fprintf(l.progress, "%s: round %d of %d, about %v left\n", cell[0], round+1, n, left.Round(time.Second))
		}
	}
	return out, nil
}

// one starts a worker and waits for its reading. A worker that fails is
// remembered and costs its place in the table, not the run.
func (l *lab) one(ctx context.Context, s spec) reading {
	r, err := l.start(ctx, s)
	for i := 0; i < retakes && err == nil && r.Others > disturbance && ctx.Err() == nil && !s.Once; i++ {
		if again, e := l.start(ctx, s); e == nil && again.Others < r.Others {
			r = again
		}
	}
	if !math.IsNaN(r.Others) {
		l.readings++
	}
	if r.Others > disturbance {
		l.disturbed++
	}
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%v, mode %s: %w", s, s.Mode, err)
		fmt.Fprintln(l.progress, "failed:", err)
		l.failures = append(l.failures, err)
	}
	r.Err = err
	return r
}

func (l *lab) start(ctx context.Context, s spec) (r reading, err error) {
	if s.Dir, err = os.MkdirTemp(l.dir, "worker-"); err != nil {
		return r, err
	}
	defer os.RemoveAll(s.Dir)
	arg, err := json.Marshal(s)
	if err != nil {
		return r, err
	}
	// Generous: the slowest profiler beside 100,000 goroutines takes a
	// second for what another does in a millisecond.
	ctx, cancel := context.WithTimeout(ctx, 4*s.Window+2*time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, l.exe, workerFlag, string(arg))
	cmd.Env = workerEnv(os.Environ())
	cmd.Dir = s.Dir
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	busy, began := machineBusy(), time.Now()
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("%w: %s", err, tail(stderr.String(), 2000))
	}
	busy, took := machineBusy()-busy, time.Since(began)
	own := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		return r, fmt.Errorf("read what the worker wrote: %w: %s", err, tail(stdout.String(), 2000))
	}
	r.Others = math.NaN()
	if took >= judgedFrom {
		r.Others = float64(busy-own) / float64(took)
	}
	return r, nil
}

// workerEnv leaves out what would switch the product off or lead its files
// away, and what would change the runtime for some runs and not for others.
func workerEnv(env []string) (out []string) {
	for _, e := range env {
		switch name, _, _ := strings.Cut(e, "="); name {
		case "PROFSCOPE", "PROFSCOPE_DIR", "GODEBUG", "GOGC", "GOMEMLIMIT":
		default:
			out = append(out, e)
		}
	}
	return out
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
