// Package datadog_test runs a real always-on profiler, dd-trace-go's, beside
// our scopes. It is a module of its own: the profiler links a hundred others.
package datadog_test

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/DataDog/dd-trace-go/v2/profiler"
	"github.com/google/pprof/profile"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

// agent stands in for the Datadog agent: it keeps what the profiler uploads.
type agent struct {
	*httptest.Server
	t *testing.T

	mu   sync.Mutex
	cpu  []*profile.Profile
	lost []string // batches without a CPU profile: it was refused
}

func newAgent(t *testing.T) *agent {
	a := &agent{t: t}
	a.Server = httptest.NewServer(http.HandlerFunc(a.take))
	t.Cleanup(a.Close)
	return a
}

func (a *agent) take(_ http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/profiling/") {
		return // whatever else it tells its agent
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		a.t.Errorf("upload: %v", err)
		return
	}
	var event struct{ Attachments []string }
	var cpu *profile.Profile
	for parts := multipart.NewReader(r.Body, params["boundary"]); ; {
		p, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			a.t.Errorf("upload: %v", err)
			return
		}
		switch p.FormName() {
		case "event":
			err = json.NewDecoder(p).Decode(&event)
		case "cpu.pprof":
			if cpu, err = profile.Parse(p); err == nil {
				err = cpu.CheckValid()
			}
		}
		if err != nil {
			a.t.Errorf("upload: %s: %v", p.FormName(), err)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if cpu == nil {
		a.lost = append(a.lost, strings.Join(event.Attachments, " "))
		return
	}
	a.cpu = append(a.cpu, cpu)
}

func (a *agent) batches() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.cpu) + len(a.lost)
}

// start runs the profiler as a service would, but with short cycles, and
// returns once the agent has had the first of them.
func (a *agent) start(period, cpu time.Duration) {
	a.t.Helper()
	for _, v := range []string{
		"DD_INSTRUMENTATION_TELEMETRY_ENABLED=false",
		"DD_TRACE_STARTUP_LOGS=false",
		"DD_PROFILING_EXECUTION_TRACE_ENABLED=false",   // it would take the tracer: a situation of its own
		"DD_PROFILING_DEBUG_COMPRESSION_SETTINGS=gzip", // which profile.Parse reads
		"DD_PROFILING_FLUSH_ON_EXIT=true",
	} {
		name, value, _ := strings.Cut(v, "=")
		a.t.Setenv(name, value)
	}
	err := profiler.Start(
		profiler.WithAgentAddr(strings.TrimPrefix(a.URL, "http://")),
		profiler.WithService("profscope-test"),
		profiler.WithPeriod(period),
		profiler.CPUDuration(cpu),
	)
	if err != nil {
		a.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); a.batches() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			a.t.Fatal("the profiler uploads nothing")
		}
	}
}

// end stops the profiler and asserts that it never was without the CPU
// profile: only the one that was cut off by the end may be missing.
func (a *agent) end() {
	a.t.Helper()
	profiler.Stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.lost) > 0 {
		a.t.Errorf("%d of %d CPU profiles are missing, there are only: %q", len(a.lost), len(a.lost)+len(a.cpu), a.lost)
	}
}

var sum int

// work computes for d.
//
//go:noinline
func work(d time.Duration) {
	for begin := time.Now(); time.Since(begin) < d; {
		for i := range 20000 {
			sum += i * i % 7
		}
	}
}

// samples counts those with work on the stack.
func samples(ps ...*profile.Profile) (n int64) {
	for _, p := range ps {
		for _, s := range p.Sample {
			if slices.ContainsFunc(s.Location, func(l *profile.Location) bool {
				return strings.HasSuffix(l.Line[0].Function.Name, "datadog_test.work")
			}) {
				n += s.Value[0] // samples/count, theirs and ours
			}
		}
	}
	return n
}

func read(t *testing.T, name string) *profile.Profile {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err == nil {
		err = p.CheckValid()
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// beside holds a scope open while the profiler goes through its cycles, and
// short ones come and go, in the gaps too. Both must get the samples.
func beside(t *testing.T, period, cpu time.Duration, cycles int) {
	dir := t.TempDir()
	a := newAgent(t)
	a.start(period, cpu)
	file := filepath.Join(dir, "a.prof")
	stop := profctx.Start(file)
	before := a.batches()
	short := cprofile.New(filepath.Join(dir, "short.prof"))
	for deadline := time.Now().Add(time.Minute); a.batches() < before+cycles; {
		if time.Now().After(deadline) {
			t.Fatalf("%d cycles in a minute", a.batches()-before)
		}
		s := short.Start()
		work(2 * time.Millisecond)
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	a.end()
	if err := cprofile.Flush(); err != nil {
		t.Error(err)
	}

	p := read(t, file)
	ours, theirs := samples(p), samples(a.cpu...)
	t.Logf("%d samples of ours, %d of theirs in %d profiles", ours, theirs, len(a.cpu))
	// Theirs begin before our scope and end after it, where work does not run;
	// a sample may be under way at our end, and lie in a system call.
	if ours == 0 || ours > theirs || ours < theirs*8/10 {
		t.Errorf("%d samples of ours, %d of theirs", ours, theirs)
	}
	if n := samples(read(t, filepath.Join(dir, "short.prof"))); n == 0 {
		t.Error("the short scopes have no sample")
	}
	for _, c := range p.Comments {
		if strings.HasPrefix(c, "note:") {
			t.Errorf("a normal case, but: %s", c)
		}
	}
}

// The profiler as it is by default: the CPU profile is its own all the time.
func TestAlwaysOn(t *testing.T) { beside(t, time.Second, time.Second, 3) }

// The profiler in cycles, with gaps that we could win.
func TestGaps(t *testing.T) { beside(t, 105*time.Millisecond, 100*time.Millisecond, 20) }

// A scope opens and closes in what would be all of the gaps: the recording
// begins and ends there, and still takes nothing.
func TestScopesInGaps(t *testing.T) {
	dir := t.TempDir()
	a := newAgent(t)
	a.start(105*time.Millisecond, 100*time.Millisecond)
	for before := a.batches(); a.batches() < before+12; {
		stop := profctx.Start(filepath.Join(dir, "a.prof"))
		work(3 * time.Millisecond)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if err := cprofile.Flush(); err != nil { // ends the recording
			t.Error(err)
		}
	}
	a.end()
	if read(t, filepath.Join(dir, "a.prof")).DurationNanos == 0 {
		t.Error("our profile is empty")
	}
}
