// Benchmark_serving loads an OpenAI-compatible server with requests and prints
// what its users would have seen. Its flags and its report are those of vLLM's
// program of the same name. With --profile it brackets the run by the server's
// /start_profile and /stop_profile, and prints where the profile is.
//
//	go run ./examples/serving --port 8000 &
//	go run ./examples/benchmark_serving --port 8000 --num-prompts 100 --profile
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

type options struct {
	backend, baseURL, host, endpoint, model string
	port                                    int
	dataset, datasetPath                    string
	inputLen, outputLen, prompts            int
	rate, burstiness                        float64
	concurrency                             int
	seed                                    uint64
	profile, save, noProgress, ignoreEOS    bool
	resultDir, resultFile                   string
	metrics                                 string
	percentiles                             []float64
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := pflag.NewFlagSet("benchmark_serving", pflag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.backend, "backend", "vllm", "kind of server: openai, openai-chat or vllm")
	f.StringVar(&o.baseURL, "base-url", "", "server's address; instead of --host and --port")
	f.StringVar(&o.host, "host", "127.0.0.1", "server's host")
	f.IntVar(&o.port, "port", 8000, "server's port")
	f.StringVar(&o.endpoint, "endpoint", "", "path (default /v1/completions, for openai-chat /v1/chat/completions)")
	f.StringVar(&o.model, "model", "", "model (default: the first that the server lists)")
	f.StringVar(&o.dataset, "dataset-name", "random", "prompts: random or sharegpt")
	f.StringVar(&o.datasetPath, "dataset-path", "", "file of the dataset sharegpt")
	f.IntVar(&o.inputLen, "random-input-len", 128, "tokens of a random prompt; short: --random-input")
	f.IntVar(&o.outputLen, "random-output-len", 32, "tokens to ask for; short: --random-output")
	f.IntVar(&o.prompts, "num-prompts", 100, "number of requests")
	f.Float64Var(&o.rate, "request-rate", 0, "requests a second; 0: all at once")
	f.Float64Var(&o.burstiness, "burstiness", 1, "shape of the gamma distribution of the time between requests: 1 is a Poisson process, less is burstier")
	f.IntVar(&o.concurrency, "max-concurrency", 0, "requests under way at once; 0: no limit")
	f.Uint64Var(&o.seed, "seed", 0, "seed of prompts and times")
	f.BoolVar(&o.profile, "profile", false, "bracket the run by /start_profile and /stop_profile")
	f.BoolVar(&o.save, "save-result", false, "write the result as JSON")
	f.StringVar(&o.resultDir, "result-dir", ".", "folder of --save-result")
	f.StringVar(&o.resultFile, "result-filename", "", "file of --save-result (default: backend, rate and time)")
	f.StringVar(&o.metrics, "percentile-metrics", "ttft,tpot,itl", "metrics to show: ttft, tpot, itl, e2el")
	f.Float64SliceVar(&o.percentiles, "metric-percentiles", []float64{99}, "percentiles to show")
	f.BoolVar(&o.ignoreEOS, "ignore-eos", false, "go on after the end of the text, up to the length asked for; always so with random prompts")
	f.BoolVar(&o.noProgress, "disable-tqdm", false, "no progress bar")
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		switch name {
		case "random-input", "random-output":
			name += "-len"
		}
		return pflag.NormalizedName(name)
	})
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("%q is no flag", f.Arg(0))
	}
	return o, o.check()
}

func (o *options) check() error {
	if o.baseURL == "" {
		o.baseURL = fmt.Sprintf("http://%s:%d", o.host, o.port)
	}
	o.baseURL = strings.TrimSuffix(o.baseURL, "/")
	switch o.backend {
	case "vllm", "openai":
	case "openai-chat":
		if o.endpoint == "" {
			o.endpoint = "/v1/chat/completions"
		}
	default:
		return fmt.Errorf("--backend %q: openai, openai-chat and vllm work", o.backend)
	}
	if o.endpoint == "" {
		o.endpoint = "/v1/completions"
	}
	for _, m := range strings.Split(o.metrics, ",") {
		if _, ok := metricNames[m]; !ok {
			return fmt.Errorf("--percentile-metrics %q: ttft, tpot, itl and e2el work", m)
		}
	}
	switch {
	case o.prompts < 1:
		return fmt.Errorf("--num-prompts is %d, and must be at least 1", o.prompts)
	case o.inputLen < 1 || o.outputLen < 1:
		return errors.New("--random-input-len and --random-output-len must be at least 1")
	case o.rate < 0 || o.burstiness <= 0:
		return errors.New("--request-rate must not be negative, and --burstiness must be more than 0")
	}
	return nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, pflag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "benchmark_serving:", err)
		return 2
	}
	if err := o.bench(ctx, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "benchmark_serving:", err)
		return 1
	}
	return 0
}

func (o *options) bench(ctx context.Context, stdout, stderr io.Writer) error {
	c := newClient(o)
	if err := c.findModel(ctx); err != nil {
		return err
	}
	prompts, err := o.load()
	if err != nil {
		return err
	}
	// One request alone: a server that refuses is found out before the load.
	if first := c.generate(ctx, prompts[0]); first.err != nil {
		return fmt.Errorf("test request: %w", first.err)
	}
	if o.profile {
		if _, err := c.profile(ctx, "start", prompts[0]); err != nil {
			return err
		}
		fmt.Fprintln(stdout, "Profiling the run")
	}
	begin := time.Now()
	answers := o.drive(ctx, c, prompts, stderr)
	r := newResult(o, c.model, answers, time.Since(begin))
	if o.profile {
		// Also when the run was interrupted: the server shall not record for ever.
		stopped, err := c.profile(context.WithoutCancel(ctx), "stop", prompts[0])
		if err != nil {
			return err
		}
		r.Profile = stopped
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted after %d of %d requests: %w", r.Completed, o.prompts, err)
	}
	r.print(stdout, o)
	if o.save {
		name, err := r.save(o)
		if err != nil {
			return fmt.Errorf("save the result: %w", err)
		}
		fmt.Fprintln(stdout, "Result:", name)
	}
	if r.Completed == 0 {
		return fmt.Errorf("no request succeeded; the first error: %s", r.Errors[0])
	}
	return nil
}

func (r *result) save(o *options) (string, error) {
	name := o.resultFile
	if name == "" {
		name = fmt.Sprintf("%s-%gqps-%s.json", o.backend, o.rate, time.Now().UTC().Format("20060102T150405"))
	}
	name = o.resultDir + string(os.PathSeparator) + name
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", err
	}
	return name, os.WriteFile(name, append(body, '\n'), 0o666)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
