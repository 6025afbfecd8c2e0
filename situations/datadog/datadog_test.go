// Package datadog_test runs a real always-on profiler, dd-trace-go's, beside
// our scopes. It is a module of its own: the profiler links a hundred others.
package datadog_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/trace"
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
	exec [][]byte // execution traces
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
	var traces [][]byte
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
		case "go.trace":
			var z *gzip.Reader
			if z, err = gzip.NewReader(p); err == nil {
				var b []byte
				b, err = io.ReadAll(z)
				traces = append(traces, b)
			}
		}
		if err != nil {
			a.t.Errorf("upload: %s: %v", p.FormName(), err)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.exec = append(a.exec, traces...)
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
// returns once the agent has had the first of them and the next one's CPU
// profile runs. In the gap between them a scope that has not seen the other
// profiler yet would take the CPU profile, as it may.
func (a *agent) start(period, cpu time.Duration, env ...string) {
	a.t.Helper()
	for _, v := range append([]string{
		"DD_INSTRUMENTATION_TELEMETRY_ENABLED=false",
		"DD_TRACE_STARTUP_LOGS=false",
		"DD_PROFILING_EXECUTION_TRACE_ENABLED=false",   // it would take the tracer: a situation of its own
		"DD_PROFILING_DEBUG_COMPRESSION_SETTINGS=gzip", // which profile.Parse reads
		"DD_PROFILING_FLUSH_ON_EXIT=true",
	}, env...) {
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
	// Not by pprof.StartCPUProfile: where that succeeds, theirs may be refused.
	for deadline := time.Now().Add(time.Minute); !profiled(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			a.t.Fatal("the profiler has one CPU profile only")
		}
	}
}

// profiled tells whether runtime/pprof takes a CPU profile.
func profiled() bool {
	buf := make([]byte, 1<<20)
	return bytes.Contains(buf[:runtime.Stack(buf, true)], []byte("runtime/pprof.profileWriter"))
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

// unknown is how long it is not known what the scope's own goroutine did.
func unknown(p *profile.Profile) (d time.Duration) {
	for _, s := range p.Sample {
		if slices.Contains(s.Label["state"], "unknown") && slices.Contains(s.Label["role"], "self") {
			d += time.Duration(s.Value[2]) // wall
		}
	}
	return d
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
	// a sample may be under way at our end, and lie in a system call. On a busy
	// machine the recording may be in slices, and has those of the slices.
	if lost := int64(unknown(p).Seconds() * 100); ours == 0 || ours > theirs || ours < theirs*8/10-lost {
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

// The profiler takes an execution trace in every cycle. Where it has the
// tracer first, our scope goes on beside it; it gets its trace whole.
func TestExecutionTrace(t *testing.T) {
	a := newAgent(t)
	a.start(time.Second, time.Second, "DD_PROFILING_EXECUTION_TRACE_ENABLED=true", "DD_PROFILING_EXECUTION_TRACE_PERIOD=1s")
	for trace.Start(io.Discard) == nil { // until the next cycle's has begun
		trace.Stop()
		time.Sleep(time.Millisecond)
	}
	file := filepath.Join(t.TempDir(), "a.prof")
	stop := profctx.Start(file)
	begin := time.Now()
	for before := a.batches(); a.batches() < before+2; {
		work(5 * time.Millisecond)
		time.Sleep(5 * time.Millisecond)
	}
	least := time.Since(begin)
	if err := stop(); err != nil {
		t.Error(err)
	}
	a.end()
	p := read(t, file)
	var self, unknown int64
	for _, s := range p.Sample {
		if s.Label["role"][0] == "self" {
			self += s.Value[2]
			if s.Label["state"][0] == "unknown" {
				unknown += s.Value[2]
			}
		}
	}
	if self != p.DurationNanos || self < int64(least) {
		t.Errorf("states add up to %d ns, elapsed %d ns, %d at least", self, p.DurationNanos, least)
	}
	if unknown > self/2 {
		t.Errorf("unknown for %d of %d ns: not recorded beside their trace", unknown, self)
	}
	if len(a.exec) < 2 {
		t.Errorf("%d execution traces of theirs", len(a.exec))
	}
	for i, b := range a.exec {
		if !bytes.HasPrefix(b, []byte("go 1.")) {
			t.Errorf("their trace %d is of %d bytes: %.20q", i, len(b), b)
		}
	}
}
