package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"profscope": main})
}

// TestScripts has a script for each verb. go test -update rewrites what they
// compare with.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Abs("testdata/files")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: func(e *testscript.Env) error { e.Setenv("FILES", files); return nil },
	})
}

// TestTopEqualsPstats: the same rows in the same order as Python's pstats.
func TestTopEqualsPstats(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/files/step_cumtime.txt")
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"top", "--limit", "0", "testdata/files/step.prof"}, nil, &stdout, &stderr); code != 0 {
		t.Fatal(code, &stderr)
	}
	rows := func(s string) []string {
		_, after, ok := strings.Cut(s, "filename:lineno(function)\n")
		if !ok {
			t.Fatalf("no table in\n%s", s)
		}
		return strings.Split(strings.TrimSpace(after), "\n")
	}
	got, pstats := rows(stdout.String()), rows(string(want))
	if len(got) != len(pstats) || len(got) < 100 {
		t.Fatalf("%d rows, pstats has %d", len(got), len(pstats))
	}
	for i := range got {
		if got[i] != pstats[i] {
			t.Errorf("row %d:\n%s\n%s", i, got[i], pstats[i])
		}
	}
	if first := "9939 function calls (8579 primitive calls) in 0.082 seconds"; !strings.HasPrefix(stdout.String(), first) {
		t.Errorf("begins with %.80q", stdout.String())
	}
}

// TestView fetches what a browser would, and what a foreign page could ask for.
func TestView(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"view", "--no-browser", "testdata/files/scope.prof"}, nil, w, &stderr)
		w.Close()
	}()
	line := make([]byte, 200)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err, &stderr)
	}
	go io.Copy(io.Discard, r)
	url, _, _ := strings.Cut(string(line[:n]), " ")
	get := func(path, host string) (int, string) {
		req, err := http.NewRequest(http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			req.Host = host
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	for _, path := range []string{"/flamegraph", "/top"} {
		if status, body := get(path, ""); status != http.StatusOK || !strings.Contains(body, "llm.dot") {
			t.Errorf("%s: %d, and the function is not in its %d bytes", path, status, len(body))
		}
	}
	for _, host := range []string{"evil.example", "evil.example:80"} {
		if status, body := get("/top", host); status != http.StatusForbidden || strings.Contains(body, "llm.dot") {
			t.Errorf("for host %s: %d", host, status)
		}
	}
	cancel()
	select {
	case code := <-ended:
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not end")
	}
}
