// Offline measures how long one batch takes, without a server: iterations to
// warm up, then those that count. The profile holds only the latter, which is
// what a profile of a whole process cannot give.
//
//	go run ./examples/offline --batch-size 8 --num-iters 10
//	go tool pprof -http=: offline.prof
package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/spf13/pflag"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/examples/serving/llm"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	f := pflag.NewFlagSet("offline", pflag.ContinueOnError)
	f.SetOutput(stderr)
	input := f.Int("input-len", 32, "tokens of each prompt")
	output := f.Int("output-len", 32, "tokens to generate")
	batch := f.Int("batch-size", 8, "sequences at once")
	warmup := f.Int("num-iters-warmup", 2, "iterations that do not count")
	iters := f.Int("num-iters", 5, "iterations that count")
	file := f.String("profile", "offline.prof", "profile of those that count; its ending picks the format")
	switch err := f.Parse(args); {
	case err == pflag.ErrHelp:
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "offline:", err)
		return 2
	case *input < 1 || *output < 1 || *batch < 1 || *iters < 1:
		fmt.Fprintln(stderr, "offline: the lengths, the batch and the iterations must be at least 1")
		return 2
	}
	e := llm.NewEngine(llm.NewModel(llm.Config{}), runtime.GOMAXPROCS(0), *batch)
	defer e.Close()
	for range *warmup {
		if err := iterate(context.Background(), e, *batch, *input, *output); err != nil {
			fmt.Fprintln(stderr, "offline:", err)
			return 1
		}
	}
	latencies, err := measured(e, *file, *iters, *batch, *input, *output)
	if err != nil {
		fmt.Fprintln(stderr, "offline:", err)
		return 1
	}
	slices.Sort(latencies)
	var sum time.Duration
	for _, d := range latencies {
		sum += d
	}
	fmt.Fprintf(stdout, "Avg latency: %v of %d iterations\n", (sum / time.Duration(*iters)).Round(time.Microsecond), *iters)
	for _, p := range []float64{10, 25, 50, 75, 90, 99} {
		i := int(math.Ceil(p/100*float64(*iters))) - 1 // nearest rank
		fmt.Fprintf(stdout, "%g%% percentile latency: %v\n", p, latencies[max(i, 0)].Round(time.Microsecond))
	}
	if *file != "" {
		fmt.Fprintf(stdout, "Profile: %s (go tool pprof -http=: %s)\n", *file, *file)
	}
	return 0
}

// measured is what the profile covers. The engine's workers are older than it,
// and take part because each Joins the scope that its request's ctx carries.
func measured(e *llm.Engine, file string, iters, batch, input, output int) (latencies []time.Duration, err error) {
	ctx, stop := profctx.With(context.Background(), file)
	defer func() {
		if e := stop(); err == nil {
			err = e
		}
	}()
	for range iters {
		begin := time.Now()
		if err := iterate(ctx, e, batch, input, output); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(begin))
	}
	return latencies, nil
}

// iterate generates for a whole batch, and returns when all of it is done.
func iterate(ctx context.Context, e *llm.Engine, batch, input, output int) error {
	words := llm.Encode(fmt.Sprint(llm.Words()))
	var all sync.WaitGroup
	errs := make([]error, batch)
	for i := range batch {
		all.Go(func() {
			tokens, err := e.Generate(ctx, llm.Request{Prompt: repeat(words[i:], input), MaxTokens: output, IgnoreEOS: true})
			if err != nil {
				errs[i] = err
				return
			}
			n := 0
			for range tokens {
				n++
			}
			if n != output {
				errs[i] = fmt.Errorf("sequence %d has %d tokens of %d", i, n, output)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// repeat makes n tokens of those given.
func repeat(tokens []int, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = tokens[i%len(tokens)]
	}
	return out
}
