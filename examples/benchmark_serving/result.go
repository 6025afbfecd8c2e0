package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"
)

var metricNames = map[string]struct{ title, short string }{
	"ttft": {"Time to First Token", "TTFT"},
	"tpot": {"Time per Output Token (excl. 1st token)", "TPOT"},
	"itl":  {"Inter-token Latency", "ITL"},
	"e2el": {"End-to-end Latency", "E2EL"},
}

// result is what the run gave; times are in milliseconds but for Duration,
// which is in seconds.
type result struct {
	Model       string             `json:"model_id"`
	Backend     string             `json:"backend"`
	Prompts     int                `json:"num_prompts"`
	Rate        float64            `json:"request_rate"`
	Burstiness  float64            `json:"burstiness"`
	Concurrency int                `json:"max_concurrency"`
	Duration    float64            `json:"duration"`
	Completed   int                `json:"completed"`
	Input       int                `json:"total_input_tokens"`
	Output      int                `json:"total_output_tokens"`
	RequestRate float64            `json:"request_throughput"`
	OutputRate  float64            `json:"output_throughput"`
	TotalRate   float64            `json:"total_token_throughput"`
	Metrics     map[string]summary `json:"metrics"`
	Errors      []string           `json:"errors,omitempty"`
	Profile     json.RawMessage    `json:"profile,omitempty"`
}

type summary struct {
	Mean        float64            `json:"mean_ms"`
	Median      float64            `json:"median_ms"`
	StdDev      float64            `json:"std_ms"`
	Percentiles map[string]float64 `json:"percentiles_ms"`
}

func newResult(o *options, model string, answers []answer, took time.Duration) *result {
	r := &result{Model: model, Backend: o.backend, Prompts: len(answers), Rate: o.rate, Burstiness: o.burstiness,
		Concurrency: o.concurrency, Duration: took.Seconds(), Metrics: map[string]summary{}}
	times := map[string][]float64{}
	put := func(name string, d time.Duration) { times[name] = append(times[name], d.Seconds()*1000) }
	for _, a := range answers {
		if a.err != nil {
			r.Errors = append(r.Errors, a.err.Error())
			continue
		}
		r.Completed++
		r.Input += a.input
		r.Output += a.output
		whole := a.end.Sub(a.begin)
		put("ttft", a.first)
		put("e2el", whole)
		if a.output > 1 {
			put("tpot", (whole-a.first)/time.Duration(a.output-1))
		}
		for _, d := range a.between {
			put("itl", d)
		}
	}
	r.RequestRate = float64(r.Completed) / r.Duration
	r.OutputRate = float64(r.Output) / r.Duration
	r.TotalRate = float64(r.Input+r.Output) / r.Duration
	for name, ms := range times {
		slices.Sort(ms)
		s := summary{Percentiles: map[string]float64{}}
		s.Mean, s.Median = stat.Mean(ms, nil), quantile(ms, 0.5)
		if len(ms) > 1 {
			s.StdDev = stat.StdDev(ms, nil)
		}
		for _, p := range o.percentiles {
			s.Percentiles[fmt.Sprintf("p%g", p)] = quantile(ms, p/100)
		}
		r.Metrics[name] = s
	}
	return r
}

// quantile interpolates between neighbours, as numpy does.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := min(max(int(at), 0), len(sorted)-1)
	j := min(i+1, len(sorted)-1)
	return sorted[i] + (sorted[j]-sorted[i])*(at-float64(i))
}

func (r *result) print(w io.Writer, o *options) {
	const width = 50
	title := func(s string, line string) {
		left := width - len(s)
		fmt.Fprintln(w, strings.Repeat(line, left/2)+s+strings.Repeat(line, left-left/2))
	}
	count := func(name string, n int) { fmt.Fprintf(w, "%-40s %-10d\n", name, n) }
	number := func(name string, v float64) { fmt.Fprintf(w, "%-40s %-10.2f\n", name, v) }
	title(" Serving Benchmark Result ", "=")
	count("Successful requests:", r.Completed)
	if n := len(r.Errors); n > 0 {
		count("Failed requests:", n)
	}
	number("Benchmark duration (s):", r.Duration)
	count("Total input tokens:", r.Input)
	count("Total generated tokens:", r.Output)
	number("Request throughput (req/s):", r.RequestRate)
	number("Output token throughput (tok/s):", r.OutputRate)
	number("Total Token throughput (tok/s):", r.TotalRate)
	for _, name := range strings.Split(o.metrics, ",") {
		s, ok := r.Metrics[name]
		if !ok {
			continue
		}
		m := metricNames[name]
		title(m.title, "-")
		number("Mean "+m.short+" (ms):", s.Mean)
		number("Median "+m.short+" (ms):", s.Median)
		for _, p := range o.percentiles {
			number(fmt.Sprintf("P%g %s (ms):", p, m.short), s.Percentiles[fmt.Sprintf("p%g", p)])
		}
	}
	title("", "=")
	var stopped struct {
		Path string `json:"path"`
	}
	if len(r.Profile) > 0 && json.Unmarshal(r.Profile, &stopped) == nil && stopped.Path != "" {
		fmt.Fprintln(w, "Profile:", stopped.Path)
	}
}
