package main

import (
	"context"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
	"gonum.org/v1/gonum/stat/distuv"
)

// arrivals returns when each request is to be made, counted from the begin:
// the times between follow a gamma distribution of mean 1/rate.
func (o *options) arrivals() []time.Duration {
	all := make([]time.Duration, o.prompts)
	if o.rate == 0 || math.IsInf(o.rate, 1) {
		return all
	}
	gap := distuv.Gamma{Alpha: o.burstiness, Beta: o.rate * o.burstiness, Src: rand.NewPCG(o.seed, 4)}
	var at float64
	for i := range all {
		all[i] = time.Duration(at * float64(time.Second))
		at += gap.Rand()
	}
	return all
}

// drive makes all requests and waits for their answers. The requests come when
// they come, whether or not the server keeps up: a load that waits for its
// server hides how long users would have waited.
func (o *options) drive(ctx context.Context, c *client, prompts []prompt, stderr io.Writer) []answer {
	bar := progressbar.NewOptions(len(prompts), progressbar.OptionSetWriter(stderr), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("req"), progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetVisibility(!o.noProgress && isTerminal(stderr)))
	limit := len(prompts)
	if o.concurrency > 0 {
		limit = o.concurrency
	}
	room := make(chan struct{}, limit)
	answers := make([]answer, len(prompts))
	begin := time.Now()
	var all sync.WaitGroup
	for i, at := range o.arrivals()[:len(prompts)] {
		select {
		case <-time.After(time.Until(begin.Add(at))):
		case <-ctx.Done():
		}
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
		}
		if err := ctx.Err(); err != nil {
			answers[i].err = err
			continue
		}
		all.Go(func() {
			defer func() { <-room }()
			answers[i] = c.generate(ctx, prompts[i])
			_ = bar.Add(1)
		})
	}
	all.Wait()
	_ = bar.Finish()
	return answers
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
