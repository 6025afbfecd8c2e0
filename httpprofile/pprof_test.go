package httpprofile_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"golang.org/x/exp/trace"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/internal/scratch"
)

// Tests of the CPU profile are not parallel to each other: there is one in a
// process.

//go:noinline
func burn(ctx context.Context) {
	b := make([]byte, 4096)
	for ctx.Err() == nil {
		for range 100 {
			s := sha256.Sum256(b)
			b[0] = s[0]
		}
	}
}

// burning keeps a goroutine busy until the test has ended.
func burning(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { burn(ctx) })
	t.Cleanup(func() { stop(); all.Wait() })
}

// cpuOf checks that b is a CPU profile, and returns the samples of burn in it and
// how long it says that it lasted.
func cpuOf(t *testing.T, b []byte) (burnt int64, lasted time.Duration) {
	t.Helper()
	p, err := profile.Parse(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%v: %.200q", err, b)
	}
	if len(p.SampleType) != 2 || p.SampleType[0].Type != "samples" || p.SampleType[1].Type != "cpu" || p.SampleType[1].Unit != "nanoseconds" ||
		p.Period != 10_000_000 || p.DurationNanos <= 0 || p.TimeNanos == 0 {
		t.Errorf("sample types %v, period %d, duration %v", p.SampleType, p.Period, time.Duration(p.DurationNanos))
	}
	lasted = time.Duration(p.DurationNanos)
	for _, s := range p.Sample {
		if s.Value[1] != s.Value[0]*p.Period {
			t.Fatalf("%v", s.Value)
		}
		for _, l := range s.Location {
			if strings.HasSuffix(l.Line[0].Function.Name, ".burn") {
				burnt += s.Value[0]
				break
			}
		}
	}
	return burnt, lasted
}

// TestCPUProfile asks for CPU profiles without a scope, while scopes are open,
// two at once, and with a scope that begins and ends meanwhile: all are whole.
func TestCPUProfile(t *testing.T) {
	s := newServed(t)
	burning(t)
	dir := scratch.Folder(t)
	get := func() []byte {
		status, b := s.raw("GET", "/debug/pprof/profile?seconds=1", "")
		if status != 200 {
			t.Errorf("%d %s", status, b)
		}
		return b
	}
	// A profile made of a recording has the second that was asked for. The
	// runtime's own, where no recording runs, begins when its writer does.
	check := func(what string, ours bool, b []byte) {
		t.Helper()
		n, lasted := cpuOf(t, b)
		if n < 5 {
			t.Errorf("%s: %d samples of burn in a second", what, n)
		}
		if ours && lasted < time.Second {
			t.Errorf("%s: it lasted %v", what, lasted)
		}
	}
	check("alone", false, get())

	stop := profctx.Start(filepath.Join(dir, "open.prof"))
	time.Sleep(10 * time.Millisecond)
	check("in a scope", true, get())
	both := make([][]byte, 3)
	var all sync.WaitGroup
	for i := range both {
		all.Go(func() { both[i] = get() })
	}
	all.Wait()
	for _, b := range both {
		check("three at once in a scope", true, b)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for i := range both {
		all.Go(func() { both[i] = get() })
	}
	time.Sleep(300 * time.Millisecond)
	stop = profctx.Start(filepath.Join(dir, "meanwhile.prof"))
	for range 20 { // in the scope, on its own goroutine, so that it has samples
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		burn(ctx)
		cancel()
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	for _, b := range both {
		check("three at once, a scope within", false, b)
	}
	// With a recording of the handler's open it is written after stop.
	scratch.Flush(t, dir)
	p := readProfile(t, filepath.Join(dir, "meanwhile.prof"))
	var samples int64
	for _, x := range p.Sample {
		samples += x.Value[0]
	}
	if samples == 0 {
		t.Error("the scope within a scrape has no CPU sample")
	}
}

// TestCPUProfileTaken: while the program has the CPU profile itself, the answer
// is net/http/pprof's.
func TestCPUProfileTaken(t *testing.T) {
	s := newServed(t)
	for { // ours of an earlier test may be on its way out
		if err := pprof.StartCPUProfile(io.Discard); err == nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	defer pprof.StopCPUProfile()
	status, b := s.raw("GET", "/debug/pprof/profile?seconds=1", "")
	if status != 500 || string(b) != "Could not enable CPU profiling: cpu profiling already in use\n" {
		t.Errorf("%d %q", status, b)
	}
}

// traced reads an execution trace to its end and returns of how long it is.
func traced(b []byte) (time.Duration, error) {
	r, err := trace.NewReader(bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	var first, last trace.Time
	for {
		e, err := r.ReadEvent()
		if err == io.EOF {
			return time.Duration(last - first), nil
		}
		if err != nil {
			return 0, fmt.Errorf("%w after %d bytes", err, len(b))
		}
		if last = e.Time(); first == 0 {
			first = last
		}
	}
}

// TestTrace: traces of a recording that goes on, several at once, are whole.
func TestTrace(t *testing.T) {
	s := newServed(t)
	burning(t)
	check := func(what, query string, least time.Duration) {
		t.Helper()
		status, b := s.raw("GET", "/debug/pprof/trace"+query, "")
		if status != 200 {
			t.Errorf("%s: %d %s", what, status, b)
			return
		}
		d, err := traced(b)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if d < least*9/10 { // the last event is not the end
			t.Errorf("%s: the trace is of %v, want %v", what, d, least)
		}
	}
	check("alone", "?seconds=0.3", 300*time.Millisecond)
	stop := profctx.Start(filepath.Join(scratch.Folder(t), "x.prof"))
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { check("in a scope", "?seconds=0.2", 200*time.Millisecond) })
	}
	all.Wait()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestTraceHalfClosed: who closes its half of the connection ends the trace and is
// sent all of it, as by net/http/pprof.
func TestTraceHalfClosed(t *testing.T) {
	s := newServed(t)
	burning(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	const least = 100 * time.Millisecond
	r := bufio.NewReader(c)
	fmt.Fprint(c, "GET /debug/pprof/trace?seconds=50 HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if _, err := r.Peek(1); err != nil { // until the trace has begun
		t.Fatal(err)
	}
	time.Sleep(least)
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%v after %d bytes", err, len(b))
	}
	if d, err := traced(b); err != nil || answer.StatusCode != http.StatusOK || d < least {
		t.Errorf("%d: a trace of %v, %v", answer.StatusCode, d, err)
	}
}

// TestLookup: the other profiles, with the parameters of net/http/pprof.
func TestLookup(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for _, name := range []string{"heap", "allocs", "goroutine", "mutex", "block", "threadcreate"} {
		status, b := s.raw("GET", "/debug/pprof/"+name, "")
		if p, err := profile.Parse(bytes.NewReader(b)); status != 200 || err != nil {
			t.Errorf("%s: %d %v %v", name, status, p, err)
		}
		if status, b := s.raw("GET", "/debug/pprof/"+name+"?debug=1", ""); status != 200 || !strings.Contains(string(b), "\n") {
			t.Errorf("%s debug=1: %d %.100q", name, status, b)
		}
	}
	for _, tt := range []struct {
		path, want string
		status     int
	}{
		{"/debug/pprof/", "goroutine?debug=2", 200},
		{"/debug/pprof/nonsense", "Unknown profile", 404},
		{"/debug/pprof/heap?seconds=x", "positive integer", 400},
		{"/debug/pprof/heap?seconds=1&debug=1", "incompatible", 400},
		{"/debug/pprof/heap?seconds=1000000", "limit", 400},
		{"/debug/pprof/profile?seconds=1000000", "limit", 400},
		{"/debug/pprof/goroutine?debug=2", "goroutine ", 200},
		{"/debug/pprof/cmdline", os.Args[0], 200},
		{"/debug/pprof/symbol", "num_symbols: 1", 200},
		{"/debug/fgprof?seconds=x", "must be a positive integer", 400},
		{"/debug/fgprof?seconds=-5", "must be a positive integer", 400},
		{"/debug/fgprof?seconds=0", "must be a positive integer", 400},
		{"/debug/fgprof?seconds=1.5", "must be a positive integer", 400},
		{"/debug/fgprof?seconds=99999999999999999999", "must be a positive integer", 400},
		{"/debug/fgprof?seconds=4000000000", "limit", 400},
	} {
		if status, b := s.raw("GET", tt.path, ""); status != tt.status || !strings.Contains(string(b), tt.want) {
			t.Errorf("%s: %d %.200q", tt.path, status, b)
		}
	}
	for _, path := range []string{"/debug/pprof/allocs?seconds=1", "/debug/fgprof?seconds=1"} {
		resp, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		p, err := profile.Parse(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || p.DurationNanos < int64(900*time.Millisecond) {
			t.Errorf("%s: %s %v", path, resp.Status, err)
		}
	}
	status, b := s.raw("POST", "/debug/pprof/symbol", fmt.Sprintf("%#x+0x1", pcOf()))
	if status != 200 || !strings.Contains(string(b), "pcOf") {
		t.Errorf("symbol: %d %q", status, b)
	}
}

// TestGoToolPprof: the command that people type.
func TestGoToolPprof(t *testing.T) {
	s := newServed(t)
	burning(t)
	stop := profctx.Start(filepath.Join(scratch.Folder(t), "x.prof"))
	defer stop()
	for _, path := range []string{"/debug/pprof/profile?seconds=1", "/debug/pprof/heap"} {
		cmd := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-top", "-nodecount=30", s.url+path)
		cmd.Env = append(os.Environ(), "PPROF_TMPDIR="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(path, "profile") && !strings.Contains(string(out), "burn") {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
}

// TestScraper asks for everything again and again, as a scraper of continuous
// profiles does, while scopes and recordings come and go: nothing is refused,
// and all that comes is valid.
func TestScraper(t *testing.T) {
	s := newServed(t)
	burning(t)
	dir := scratch.Folder(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var scopes sync.WaitGroup
	scopes.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			stop := profctx.Start(filepath.Join(dir, "scope.prof"))
			time.Sleep(time.Duration(10+i*37%300) * time.Millisecond)
			if err := stop(); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Duration(i*53%200) * time.Millisecond)
		}
	})
	scopes.Go(func() {
		name := nameOf(t)
		for ctx.Err() == nil {
			s.ask("POST", "/start_profile", fmt.Sprintf(`{"name":%q}`, name))
			time.Sleep(30 * time.Millisecond)
			if status, a := s.ask("POST", "/stop_profile", fmt.Sprintf(`{"name":%q}`, name)); status != 200 {
				t.Error(a)
			}
		}
	})
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	long, _ := time.ParseDuration(os.Getenv("PROFSCOPE_SCRAPE"))
	fetched := 0
	for begin := time.Now(); rounds > 0 || time.Since(begin) < long; rounds-- {
		for _, path := range []string{"/debug/pprof/profile?seconds=1", "/debug/pprof/heap", "/debug/pprof/goroutine", "/debug/pprof/mutex", "/debug/pprof/block"} {
			status, b := s.raw("GET", path, "")
			if status != 200 {
				t.Errorf("%s: %d %s", path, status, b)
				continue
			}
			fetched++
			if strings.Contains(path, "profile") {
				cpuOf(t, b)
			} else if _, err := profile.Parse(bytes.NewReader(b)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	cancel()
	scopes.Wait()
	t.Logf("%d profiles fetched", fetched)
}
