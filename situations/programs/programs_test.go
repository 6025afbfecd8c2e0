package programs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The programs: a library, a command-line tool and a server.
var (
	goldmark = program{
		module: "github.com/yuin/goldmark", version: "v1.8.7", sum: "h1:XT/tNqCIbabh0ln675w4x3dv04kQBKi8NwYqi9IJaxI=",
		file:     "markdown.go",
		function: "func (m *markdown) Convert(source []byte, writer io.Writer, opts ...parser.ParseOption) error",
	}
	lua = program{
		module: "github.com/yuin/gopher-lua", version: "v1.1.2", sum: "h1:yF/FjE3hD65tBbt0VXLE13HWS9h34fdzJmrWRXwobGA=",
		file:     "auxlib.go",
		function: "func (ls *LState) DoFile(path string) error",
	}
	httpbin = program{
		module: "github.com/mccutchen/go-httpbin/v2", version: "v2.26.0", sum: "h1:JbKBrX9F9wjwXedIJkWe+jjYRjysHZrWKgJRPDSIxVw=",
		file:     "httpbin/cmd/cmd.go",
		function: "func mainImpl(args []string, build BuildInfo, getEnvVal func(string) string, getEnviron func() []string, getHostname func() (string, error), out io.Writer) int",
	}
)

// script is a Lua program that takes a second, and what it prints.
const script = `
local function fib(n) if n < 2 then return n end return fib(n-1) + fib(n-2) end
local t = {}
for i = 1, 100000 do t[i] = (i * 7919) % 100003 end
table.sort(t)
local parts = {}
for i = 1, 2000 do parts[#parts+1] = string.format("%d;", t[i]) end
print(fib(34), t[1], #table.concat(parts))
`

const answer = "5702887\t1\t8893"

// Their own tests run without vet: it judges by the go line in go.mod, which a
// requirement of ours raises.

// TestLibrary profiles a Markdown library while its own test suite runs.
func TestLibrary(t *testing.T) {
	dir, out := goldmark.patched(t), t.TempDir()
	goRun(t, dir, []string{"PROFSCOPE_DIR=" + t.TempDir()}, "test", "-vet=off", "./...")

	// The slow tests of the suite, which are calls of long Convert: what the
	// last short ones leave is written 50 ms later, and a test binary does not
	// wait for that.
	theirs := filepath.Join(out, "theirs.prof")
	goRun(t, dir, []string{"PROFSCOPE_DIR=" + out}, "test", "-vet=off", "-count=5", "-run=TestDeepNestedLabelPerformance", "-cpuprofile="+theirs, "-o", filepath.Join(out, "suite.test"), ".")
	ours := parse(t, filepath.Join(out, "scope.prof"))
	named(t, ours, "github.com/yuin/goldmark/parser.(*parser).Parse", "github.com/yuin/goldmark.(*markdown).Convert")
	agree(t, ours, parse(t, theirs), "github.com/yuin/goldmark/parser")
}

// TestCommand profiles one run of a command-line tool, a Lua, which can write
// a CPU profile itself.
func TestCommand(t *testing.T) {
	dir, out := lua.patched(t), t.TempDir()
	goRun(t, dir, []string{"PROFSCOPE_DIR=" + t.TempDir()}, "test", "-vet=off", "./...")

	if err := os.WriteFile(filepath.Join(out, "x.lua"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	exe, theirs := filepath.Join(out, "glua.exe"), filepath.Join(out, "theirs.prof")
	goRun(t, dir, nil, "build", "-o", exe, "./cmd/glua")
	cmd := exec.CommandContext(t.Context(), exe, "-p", theirs, "x.lua")
	cmd.Dir = out
	got, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(got)) != answer {
		t.Fatalf("%v: %s", err, got)
	}
	const pkg = "github.com/yuin/gopher-lua"
	ours := parse(t, filepath.Join(out, "scope.prof"))
	named(t, ours, pkg+".mainLoop", pkg+".(*LState).DoFile")
	agree(t, ours, parse(t, theirs), pkg)
}

// TestServer profiles an HTTP server from its first request to its graceful
// end, with all of its connections' goroutines.
func TestServer(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the server's graceful end needs a signal, run on Unix")
	}
	dir, out := httpbin.patched(t), t.TempDir()
	goRun(t, dir, []string{"PROFSCOPE_DIR=" + t.TempDir()}, "test", "-vet=off", "./...")

	httpbin.withPeer(t, dir)
	exe, theirs := filepath.Join(out, "httpbin.exe"), filepath.Join(out, "theirs.prof")
	goRun(t, dir, nil, "build", "-o", exe, "./cmd/go-httpbin")
	port := freePort(t)
	cmd := exec.CommandContext(t.Context(), exe, "-host", "127.0.0.1", "-port", port, "-log-level", "ERROR")
	cmd.Dir = out
	cmd.Env = append(os.Environ(), "PEER_PROFILE="+theirs)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	const delay, delays = 50 * time.Millisecond, 10
	ask(t, "http://127.0.0.1:"+port, delays, delay)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, &said)
	}
	const pkg = "github.com/mccutchen/go-httpbin/v2/httpbin"
	ours := parse(t, filepath.Join(out, "scope.prof"))
	named(t, ours, pkg+".(*HTTPBin).Bytes", pkg+".(*HTTPBin).RequestWithBody", pkg+".(*HTTPBin).Delay")
	agree(t, ours, parse(t, theirs), pkg)
	// What runtime/pprof cannot see. A timer can be set a moment before its
	// goroutine parks.
	if got, want := wallIn(ours, pkg+".(*HTTPBin).Delay", "blocked"), int64(delays*delay*9/10-unknown(ours)); got < want {
		t.Errorf("blocked in Delay for %d ns, want %d at least: %q", got, want, ours.Comments)
	}
}

// freePort returns a port that is free. Until the server has it anybody may take
// it: it is below those that systems give to whoever asks for any.
func freePort(t *testing.T) string {
	t.Helper()
	var err error
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(10_000))
		var ln net.Listener
		if ln, err = net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			ln.Close()
			return port
		}
	}
	t.Skip("no port to serve on, free one of 20000 to 29999:", err)
	return ""
}

// ask waits for the server and sends it requests: so many, and not for so
// long, that there are samples enough on a slow machine too.
func ask(t *testing.T, base string, delays int, delay time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	get := func(method, path string, body []byte) error {
		req, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", path, resp.Status)
		}
		return nil
	}
	for begin := time.Now(); get("GET", "/get", nil) != nil; time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatal("the server does not answer")
		}
	}
	body := []byte(`{"list": [` + strings.Repeat(`{"key": "value", "n": 12.5}, `, 500) + `null]}`)
	var wg sync.WaitGroup
	again := func(n int, f func() error) {
		wg.Go(func() {
			for range n {
				if err := f(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	again(1500, func() error { return get("POST", "/post", body) })
	again(1500, func() error { return get("GET", "/bytes/50000?seed=1", nil) })
	again(delays, func() error { return get("GET", fmt.Sprintf("/delay/%v", delay), nil) })
	wg.Wait()
	http.DefaultClient.CloseIdleConnections()
}
