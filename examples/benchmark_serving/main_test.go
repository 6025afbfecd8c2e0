package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// server answers with a known number of tokens at known times.
type server struct {
	mu       sync.Mutex
	profiled []string
	bodies   []map[string]any
	busy     int
	busiest  int
}

const (
	wait   = 20 * time.Millisecond // before the first token
	gap    = 3 * time.Millisecond  // between tokens
	tokens = 4
)

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if b, _ := io.ReadAll(r.Body); len(b) > 0 {
		if err := json.Unmarshal(b, &body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	switch r.URL.Path {
	case "/v1/models":
		fmt.Fprint(w, `{"data":[{"id":"tiny"}]}`)
	case "/start_profile", "/stop_profile":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.profiled = append(s.profiled, r.URL.Path)
		s.bodies = append(s.bodies, body)
		fmt.Fprint(w, `{"path":"/profiles/profile.prof"}`)
	case "/v1/completions":
		s.mu.Lock()
		s.busy++
		s.busiest = max(s.busiest, s.busy)
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			s.busy--
			s.mu.Unlock()
		}()
		time.Sleep(wait)
		for i := range tokens {
			if i > 0 {
				time.Sleep(gap)
			}
			fmt.Fprint(w, "data: {\"choices\":[{\"text\":\" word\"}]}\n\n")
			http.NewResponseController(w).Flush()
		}
		fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", tokens)
	default:
		http.NotFound(w, r)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	s := &server{}
	h := httptest.NewServer(s)
	defer h.Close()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--base-url", h.URL, "--num-prompts", "10", "--random-input", "5", "--request-rate", "200",
		"--max-concurrency", "3", "--profile", "--save-result", "--result-dir", dir, "--result-filename", "r.json",
		"--percentile-metrics", "ttft,tpot,itl,e2el", "--metric-percentiles", "50,99"}, &stdout, &stderr)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	if s.busiest > 3 {
		t.Errorf("%d requests at once, want at most 3", s.busiest)
	}
	if got := strings.Join(s.profiled, " "); got != "/start_profile /stop_profile" {
		t.Errorf("profile calls: %s", got)
	}
	if s.bodies[0]["model"] != "tiny" || s.bodies[0]["prompt"] == "" {
		t.Errorf("start_profile was sent %v, want a whole request", s.bodies[0])
	}
	body, err := os.ReadFile(filepath.Join(dir, "r.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r result
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	if r.Completed != 10 || r.Input != 70 || r.Output != 10*tokens || r.Model != "tiny" {
		t.Errorf("%d requests, %d in, %d out, model %q", r.Completed, r.Input, r.Output, r.Model)
	}
	atLeast := func(name string, ms float64, d time.Duration) {
		if ms < d.Seconds()*1000 {
			t.Errorf("%s %v ms, less than the server's %v", name, ms, d)
		}
	}
	atLeast("TTFT", r.Metrics["ttft"].Mean, wait)
	atLeast("E2EL", r.Metrics["e2el"].Mean, wait+(tokens-1)*gap)
	atLeast("p99", r.Metrics["ttft"].Percentiles["p99"], wait)
	for _, want := range []string{"Successful requests:", "Mean TTFT (ms):", "P99 ITL (ms):", "Profile: /profiles/profile.prof"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in\n%s", want, &stdout)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	refusing := httptest.NewServer(http.NotFoundHandler())
	defer refusing.Close()
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "data: {\"choices\":[{\"text\":\" word\"}]}\n\n")
	}))
	defer cut.Close()
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--nonsense"}, 2, "unknown flag"},
		{[]string{"--num-prompts", "0"}, 2, "at least 1"},
		{[]string{"--backend", "tgi"}, 2, "openai-chat"},
		{[]string{"--dataset-name", "sharegpt", "--base-url", refusing.URL, "--model", "m"}, 1, "--dataset-path"},
		{[]string{"--base-url", refusing.URL}, 1, "--model"},
		{[]string{"--base-url", refusing.URL, "--model", "m"}, 1, "404"},
		{[]string{"--base-url", cut.URL, "--model", "m"}, 1, "without its end"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), tt.args, &stdout, &stderr); code != tt.code || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("%v: exit code %d, %s", tt.args, code, &stderr)
		}
	}
}

// TestArrivals: the mean of the times between requests is that of the rate,
// whatever the burstiness.
func TestArrivals(t *testing.T) {
	t.Parallel()
	for _, burstiness := range []float64{0.3, 1, 5} {
		o := &options{prompts: 20_001, rate: 50, burstiness: burstiness}
		all := o.arrivals()
		mean := all[len(all)-1].Seconds() / float64(len(all)-1)
		if mean < 0.9/50 || mean > 1.1/50 {
			t.Errorf("burstiness %v: %v s between requests, want 0.02", burstiness, mean)
		}
	}
	if all := (&options{prompts: 3}).arrivals(); all[2] != 0 {
		t.Errorf("no rate: %v", all)
	}
}

func TestShareGPT(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "d.json")
	err := os.WriteFile(file, []byte(`[
		{"conversations":[{"value":"the water of the river"},{"value":"it is on the land and sea"}]},
		{"conversations":[{"value":"the one without an answer"}]},
		{"conversations":[{"value":"the"},{"value":"too short a question to take"}]}]`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	o := &options{prompts: 5, dataset: "sharegpt", datasetPath: file}
	all, err := o.load()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].text != "the water of the river" || all[0].input != 5 || all[0].output != 7 {
		t.Errorf("%+v", all)
	}
}
