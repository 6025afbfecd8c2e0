package httpprofile_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/httpprofile"
	"github.com/profscope/profscope/internal/scratch"
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

//go:noinline
func slowPart() { time.Sleep(25 * time.Millisecond) }

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
	scratch.Flush(t, s.dir)
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
	dir := scratch.Folder(t)
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
	scratch.Flush(t, dir)
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
	dir := scratch.Folder(t)
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { slowPart() })
	for _, opts := range [][]httpprofile.Option{nil, {httpprofile.ServerTiming()}} { // which opens a door for each request
		opts = append(opts, httpprofile.Always(), httpprofile.Profile(cprofile.Also("x.TXT"), cprofile.Also("elsewhere/x.folded")),
			httpprofile.Route(func(r *http.Request) string { return r.URL.Path }))
		server := around(t, dir, handler, opts...)
		for _, route := range []string{"/a", "/b", "/a"} {
			get(t, server.URL+route)
		}
	}
	scratch.Flush(t, dir)
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
		dir := scratch.Folder(t)
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
				scratch.Flush(t, dir)
				p = readProfile(t, filepath.Join(dir, "route-"+route+".prof"))
				return comment(p, "lengths of outermost calls: ") != "" && !strings.Contains(comment(p, "unfinished: "), "still going on")
			})
			if p.DurationNanos == 0 {
				t.Errorf("%s: nothing", route)
			}
		}
	}
}

// TestAlsoStdout: stdout is for all routes, whatever it is called.
func TestAlsoStdout(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("stdout has no name there")
	}
	if !inChild(t) { // whose stdout it is
		return
	}
	for _, name := range []string{"", "-", "/dev/stdout", "/dev/fd/1"} {
		dir := scratch.Folder(t)
		server := around(t, dir, http.NotFoundHandler(), httpprofile.Always(), httpprofile.Profile(cprofile.Also(name)))
		get(t, server.URL)
		scratch.Flush(t, dir)
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if want := filepath.Join(dir, "route-other.prof"); err != nil || len(files) != 1 || files[0] != want {
			t.Errorf("Also(%q): %v %v", name, files, err)
		}
	}
}
