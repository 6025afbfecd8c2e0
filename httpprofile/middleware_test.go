package httpprofile_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/httpprofile"
)

// around makes a server of a mux behind the middleware, with its profiles in
// dir.
func around(t *testing.T, dir string, mux http.Handler, opts ...httpprofile.Option) *httptest.Server {
	t.Helper()
	opts = append([]httpprofile.Option{httpprofile.Dir(dir), httpprofile.Logger(slog.New(slog.NewTextHandler(io.Discard, nil)))}, opts...)
	s := httptest.NewServer(httpprofile.Middleware(mux, opts...))
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// flush writes what is due; what fails of the files of tests beside is theirs.
func flush(t *testing.T, dir string) {
	t.Helper()
	if err := cprofile.Flush(); err != nil && strings.Contains(err.Error(), dir) {
		t.Fatal(err)
	}
}

//go:noinline
func slowPart() { time.Sleep(20 * time.Millisecond) }

//go:noinline
func workersPart() { time.Sleep(10 * time.Millisecond) }

// TestMiddleware: requests of a route are in its file, with the worker that
// joined, and in no other; only those that came while a recording ran.
func TestMiddleware(t *testing.T) {
	// Not parallel: a recording of another test would be one too.
	s := newServed(t)
	jobs := make(chan func())
	var workers sync.WaitGroup
	workers.Go(func() {
		for f := range jobs {
			f()
		}
	})
	defer workers.Wait()
	defer close(jobs)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /slow/{id}", func(w http.ResponseWriter, r *http.Request) {
		slowPart()
		done := make(chan struct{})
		jobs <- func() {
			defer close(done)
			defer profctx.Join(r.Context())()
			workersPart()
		}
		<-done
		fmt.Fprint(w, r.Pattern)
	})
	mux.HandleFunc("/other", func(http.ResponseWriter, *http.Request) {})
	server := around(t, s.dir, mux)
	get(t, server.URL+"/slow/0")
	if files, _ := os.ReadDir(s.dir); len(files) != 0 {
		t.Fatalf("without a recording: %v", files)
	}
	body := fmt.Sprintf(`{"name":%q}`, nameOf(t))
	s.must(200, "POST", "/start_profile", body)
	const n = 3
	for i := range n {
		if _, b := get(t, server.URL+"/slow/"+strconv.Itoa(i)); b != "GET /slow/{id}" {
			t.Errorf("%q", b)
		}
	}
	get(t, server.URL+"/other")
	s.must(200, "POST", "/stop_profile", body)
	get(t, server.URL+"/slow/9")
	flush(t, s.dir)
	files, err := filepath.Glob(filepath.Join(s.dir, "route-*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v %v", files, err)
	}
	p := readProfile(t, filepath.Join(s.dir, "route-GET_slow_id.prof"))
	// Half of what they sleep: on a busy machine they run a while before it.
	if got := wall(p, ".slowPart", ""); got < n*10*time.Millisecond {
		t.Errorf("slowPart %v", got)
	}
	if got := wall(p, ".workersPart", ""); got < n*5*time.Millisecond {
		t.Errorf("workersPart %v", got)
	}
	if got := comment(p, "calls: "); got != strconv.Itoa(n) {
		t.Errorf("%q calls", got)
	}
	if got := wall(readProfile(t, filepath.Join(s.dir, "route-other.prof")), ".slowPart", ""); got != 0 {
		t.Errorf("slowPart in another route: %v", got)
	}
}

// TestMiddlewareOptions: always, slow requests only, a route of one's own, and
// no more routes than there may be.
func TestMiddlewareOptions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.FormValue("slow") != "" {
			time.Sleep(100 * time.Millisecond)
		}
	})
	server := around(t, dir, handler, httpprofile.Always(), httpprofile.Profile(cprofile.SlowerThan(50*time.Millisecond)),
		httpprofile.Route(func(r *http.Request) string { return r.URL.Path }))
	get(t, server.URL+"/a?slow=1")
	for range 3 {
		get(t, server.URL+"/a")
	}
	for i := range 300 {
		get(t, server.URL+"/many/"+strconv.Itoa(i))
	}
	flush(t, dir)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) > 257 {
		t.Errorf("%d files, %v", len(files), err)
	}
	var kept, all int
	c := comment(readProfile(t, filepath.Join(dir, "route-a.prof")), "kept: ")
	if _, err := fmt.Sscanf(c, "%d of %d", &kept, &all); err != nil || kept < 1 || kept > 3 || all != 4 {
		t.Errorf("kept: %q, %v; one of 4, or more where a machine has made quick ones slow", c, err)
	}
}

// TestAlso: each route has companions of its own, with the endings asked for.
func TestAlso(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { slowPart() })
	for _, opts := range [][]httpprofile.Option{nil, {httpprofile.ServerTiming()}} { // which opens a door for each request
		opts = append(opts, httpprofile.Always(), httpprofile.Profile(cprofile.Also("x.TXT"), cprofile.Also("elsewhere/x.folded")),
			httpprofile.Route(func(r *http.Request) string { return r.URL.Path }))
		server := around(t, dir, handler, opts...)
		for _, route := range []string{"/a", "/b", "/a"} {
			get(t, server.URL+route)
		}
	}
	flush(t, dir)
	for _, name := range []string{"route-a", "route-b"} {
		if got := wall(readProfile(t, filepath.Join(dir, name+".prof")), ".slowPart", ""); got < 40*time.Millisecond {
			t.Errorf("%s: slowPart %v", name, got)
		}
		for _, ending := range []string{".txt", ".folded"} {
			if b, err := os.ReadFile(filepath.Join(dir, name+ending)); !strings.Contains(string(b), "slowPart") {
				t.Errorf("%s%s: %v\n%s", name, ending, err, b)
			}
		}
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(files) != 6 {
		t.Errorf("%q %v", files, err)
	}
}

// TestFileNames: patterns that differ have files that do.
func TestFileNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	patterns := []string{"GET /a/b", "GET /a_b", "GET /a{b}", "GET /{a}/b", "POST /a/b", "/a/b", "a/b", "host.example/a/b", "GET /a/{$}", "GET /a/", "../../etc/passwd", strings.Repeat("/long", 40), strings.Repeat("/long", 41), ""}
	i := 0
	server := around(t, dir, http.NotFoundHandler(), httpprofile.Always(), httpprofile.Route(func(*http.Request) string { return patterns[i] }))
	for i = range patterns {
		get(t, server.URL)
	}
	flush(t, dir)
	files, err := filepath.Glob(filepath.Join(dir, "route-*.prof"))
	if err != nil || len(files) != len(patterns) {
		t.Errorf("%d files of %d patterns, %v\n%s", len(files), len(patterns), err, strings.Join(files, "\n"))
	}
}

// TestFirstRequests: all that come at once to a new route are recorded.
func TestFirstRequests(t *testing.T) {
	t.Parallel()
	const routes, requests = 8, 16
	dir := t.TempDir()
	h := httpprofile.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), httpprofile.Dir(dir), httpprofile.Always(),
		httpprofile.Route(func(r *http.Request) string { return r.URL.Path }))
	var all sync.WaitGroup
	for i := range routes {
		for range requests {
			all.Go(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", fmt.Sprint("/", i), nil)) })
		}
	}
	all.Wait()
	flush(t, dir)
	for i := range routes {
		if n := comment(readProfile(t, filepath.Join(dir, fmt.Sprintf("route-%d.prof", i))), "calls: "); n != fmt.Sprint(requests) {
			t.Errorf("route %d: %s calls, want %d", i, n, requests)
		}
	}
}

// TestFolderComes: a route whose folder could not be had has its profile when it
// can, and the log one line.
func TestFolderComes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "profiles")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // in its place
		t.Fatal(err)
	}
	var log logged
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	server := around(t, dir, handler, httpprofile.Always(), httpprofile.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	for begun := time.Now(); time.Since(begun) < 1200*time.Millisecond; time.Sleep(100 * time.Millisecond) {
		get(t, server.URL)
	}
	if n := strings.Count(log.String(), "not profiled"); n != 1 {
		t.Errorf("%d lines in\n%s", n, log.String())
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond) // it is tried once a second
	get(t, server.URL)
	flush(t, dir)
	readProfile(t, filepath.Join(dir, "route-other.prof"))
}

// stuck is a log in which the line about the route /a takes until it is freed.
type stuck struct {
	logged
	began chan struct{}
	freed chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("route=/a")) {
		close(s.began)
		<-s.freed
	}
	return s.logged.Write(p)
}

// TestNobodyWaits: while a request opens its route, and that hangs, all others are
// served.
func TestNobodyWaits(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "profiles")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // in its place
		t.Fatal(err)
	}
	log := stuck{began: make(chan struct{}), freed: make(chan struct{})}
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	server := around(t, dir, handler, httpprofile.Always(), httpprofile.Logger(slog.New(slog.NewTextHandler(&log, nil))),
		httpprofile.Route(func(r *http.Request) string { return r.URL.Path }))
	get(t, server.URL+"/known")
	var first sync.WaitGroup
	first.Go(func() { get(t, server.URL+"/a") })
	<-log.began
	get(t, server.URL+"/a")
	get(t, server.URL+"/known")
	close(log.freed)
	first.Wait()
	if n := strings.Count(log.String(), "not profiled"); n != 2 {
		t.Errorf("%d lines in\n%s", n, log.String())
	}
}

// TestServerTiming: the totals come after the answer, in HTTP/1.1 and HTTP/2.
func TestServerTiming(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		slowPart()
		fmt.Fprint(w, "hello")
	})
	for _, two := range []bool{false, true} {
		dir := t.TempDir()
		var calls atomic.Int64
		server := httptest.NewUnstartedServer(httpprofile.Middleware(handler, httpprofile.Dir(dir), httpprofile.Always(), httpprofile.ServerTiming(),
			httpprofile.Profile(cprofile.OnCall(func(cprofile.Stats) { calls.Add(1) }))))
		server.EnableHTTP2 = two
		server.StartTLS()
		defer server.Close()
		resp, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(b) != "hello" || (resp.ProtoMajor == 2) != two {
			t.Errorf("%s %q %v", resp.Proto, b, err)
		}
		value := resp.Trailer.Get("Server-Timing")
		dur := make(map[string]float64)
		for _, part := range strings.Split(value, ", ") {
			name, d, _ := strings.Cut(part, ";dur=")
			if dur[name], err = strconv.ParseFloat(d, 64); err != nil {
				t.Fatalf("%q: %v", value, err)
			}
		}
		sum := dur["running"] + dur["runnable"] + dur["blocked"] + dur["syscall"]
		if dur["total"] < 20 || dur["blocked"] < 10 || sum < dur["total"]-0.01 || sum > dur["total"]+0.01 {
			t.Errorf("%s: %q: 20 ms or more, blocked for most of it, and the states add up", resp.Proto, value)
		}
		flush(t, dir)
		if n := calls.Load(); n != 1 {
			t.Errorf("%s: the user's OnCall was called %d times", resp.Proto, n)
		}
	}
}

// TestServerTimingOfNothing: an answer is as it was when nothing is profiled,
// because there is no folder or profiling is off.
func TestServerTimingOfNothing(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		fmt.Fprint(w, "hello")
		w.(http.Flusher).Flush() // or the server would count the bytes itself
	})
	off := httpprofile.Profile(cprofile.Enabled(false))
	for what, opts := range map[string][]httpprofile.Option{"no folder": {httpprofile.Dir("")}, "off": {off}} {
		server := around(t, t.TempDir(), handler, append(opts, httpprofile.Always(), httpprofile.ServerTiming())...)
		resp, body := get(t, server.URL)
		if resp.ContentLength != 5 || body != "hello" || len(resp.Trailer) != 0 {
			t.Errorf("%s: length %d, %q, trailers %v", what, resp.ContentLength, body, resp.Trailer)
		}
	}
}

// TestWriters: what a handler does with its ResponseWriter works, with and
// without ServerTiming.
func TestWriters(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]httpprofile.Option{{httpprofile.Always()}, {httpprofile.Always(), httpprofile.ServerTiming()}} {
		more := make(chan struct{})
		mux := http.NewServeMux()
		mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "one")
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			w.(http.Flusher).Flush()
			<-more
			fmt.Fprintln(w, "two")
		})
		mux.HandleFunc("/hijack", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\nours")
		})
		mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		mux.HandleFunc("/copy", func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(w, strings.NewReader(strings.Repeat("x", 100_000))); err != nil {
				t.Error(err)
			}
		})
		dir := t.TempDir()
		server := around(t, dir, mux, opts...)

		resp, err := http.Get(server.URL + "/stream")
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(resp.Body)
		if line, err := lines.ReadString('\n'); line != "one\n" {
			t.Errorf("%q %v", line, err)
		}
		more <- struct{}{} // the first line was here before the second was made
		if line, err := lines.ReadString('\n'); line != "two\n" {
			t.Errorf("%q %v", line, err)
		}
		resp.Body.Close()

		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "GET /hijack HTTP/1.1\r\nHost: localhost\r\n\r\n")
		b, err := io.ReadAll(conn)
		conn.Close()
		if err != nil || !strings.HasSuffix(string(b), "ours") {
			t.Errorf("hijack: %q %v", b, err)
		}
		if _, err := http.Get(server.URL + "/panic"); err == nil {
			t.Error("an aborted handler was answered")
		}
		if _, b := get(t, server.URL+"/copy"); len(b) != 100_000 {
			t.Errorf("copied %d bytes", len(b))
		}
		for _, route := range []string{"stream", "hijack", "panic", "copy"} {
			var p *profile.Profile
			await(t, "end of "+route, func() bool { // a connection that was hijacked is closed before
				flush(t, dir)
				p = readProfile(t, filepath.Join(dir, "route-"+route+".prof"))
				return comment(p, "lengths of outermost calls: ") != "" && !strings.Contains(comment(p, "unfinished: "), "still going on")
			})
			if p.DurationNanos == 0 {
				t.Errorf("%s: nothing", route)
			}
		}
	}
}
