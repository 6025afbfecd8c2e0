package httpprofile_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/profscope/profscope/httpprofile"
	"github.com/profscope/profscope/internal/scratch"
)

// TestFileNames: patterns that differ have files that do.
func TestFileNames(t *testing.T) {
	t.Parallel()
	dir := scratch.Folder(t)
	patterns := []string{"GET /a/b", "GET /a_b", "GET /a{b}", "GET /{a}/b", "POST /a/b", "/a/b", "a/b", "host.example/a/b", "GET /a/{$}", "GET /a/", "../../etc/passwd", strings.Repeat("/long", 40), strings.Repeat("/long", 41), ""}
	i := 0
	server := around(t, dir, http.NotFoundHandler(), httpprofile.Always(), httpprofile.Route(func(*http.Request) string { return patterns[i] }))
	for i = range patterns {
		get(t, server.URL)
	}
	scratch.Flush(t, dir)
	files, err := filepath.Glob(filepath.Join(dir, "route-*.prof"))
	if err != nil || len(files) != len(patterns) {
		t.Errorf("%d files of %d patterns, %v\n%s", len(files), len(patterns), err, strings.Join(files, "\n"))
	}
}

// TestFirstRequests: all that come at once to a new route are recorded, when its
// folder is opened in time.
func TestFirstRequests(t *testing.T) {
	httpprofile.OpenPatience(t, time.Minute) // not parallel: TestNobodyWaits has none
	const routes, requests = 8, 16
	dir := scratch.Folder(t)
	h := httpprofile.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), httpprofile.Dir(dir), httpprofile.Always(),
		httpprofile.Route(func(r *http.Request) string { return r.URL.Path }))
	var all sync.WaitGroup
	for i := range routes {
		for range requests {
			all.Go(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", fmt.Sprint("/", i), nil)) })
		}
	}
	all.Wait()
	scratch.Flush(t, dir)
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
	dir := filepath.Join(scratch.Folder(t), "profiles")
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
	scratch.Flush(t, dir)
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
	dir := filepath.Join(scratch.Folder(t), "profiles")
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
