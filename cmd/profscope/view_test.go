package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/profscope/profscope/internal/chromium"
)

// viewing is a running profscope view.
type viewing struct {
	t      *testing.T
	url    string
	stop   context.CancelFunc
	ended  chan int
	stderr *bytes.Buffer // to be read after its end
}

func view(t *testing.T, stdin io.Reader, args ...string) *viewing {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	v := &viewing{t: t, stop: cancel, ended: make(chan int, 1), stderr: new(bytes.Buffer)}
	go func() {
		v.ended <- run(ctx, append([]string{"view", "--no-browser"}, args...), stdin, w, v.stderr)
		w.Close()
	}()
	line := make([]byte, 200)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err, <-v.ended, v.stderr)
	}
	go io.Copy(io.Discard, r)
	v.url, _, _ = strings.Cut(string(line[:n]), " ")
	t.Cleanup(cancel)
	return v
}

func (v *viewing) do(method, path string, change func(*http.Request)) (int, string) {
	v.t.Helper()
	req, err := http.NewRequest(method, v.url+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// awaitEnd waits for the exit code.
func (v *viewing) awaitEnd() {
	v.t.Helper()
	select {
	case code := <-v.ended:
		if code != 0 {
			v.t.Errorf("exit code %d: %s", code, v.stderr)
		}
	case <-time.After(time.Minute):
		v.t.Error("it does not end")
	}
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

// Tests that show a profile are not parallel: pprof notes in a variable of its
// package, without a lock, that it serves pages.

// TestViewProfile fetches what a browser would, and what a foreign page could
// ask for.
func TestViewProfile(t *testing.T) {
	v := view(t, nil, "testdata/files/scope.prof")
	for _, path := range []string{"/flamegraph", "/top"} {
		if status, body := v.do("GET", path, nil); status != http.StatusOK || !strings.Contains(body, "llm.dot") {
			t.Errorf("%s: %d, and the function is not in its %d bytes", path, status, len(body))
		}
	}
	for _, name := range []string{"evil.example", "evil.example:80"} {
		if status, body := v.do("GET", "/top", host(name)); status != http.StatusForbidden || strings.Contains(body, "llm.dot") {
			t.Errorf("for host %s: %d", name, status)
		}
	}
	v.stop()
	v.awaitEnd()
}

// TestViewEnds: whoever is here may end it, and no other site's page.
func TestViewEnds(t *testing.T) {
	v := view(t, nil, "testdata/files/scope.prof")
	foreign := func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }
	if status, _ := v.do("POST", "/end", foreign); status != http.StatusForbidden {
		t.Errorf("for another site: %d", status)
	}
	if status, _ := v.do("POST", "/end", nil); status != http.StatusNoContent {
		t.Errorf("asked to end: %d", status)
	}
	v.awaitEnd()
}

// TestViewTimeline: a trace is served as a Perfetto trace, to its own page
// alone; a Perfetto trace is served as it is; --as-profile shows sums.
func TestViewTimeline(t *testing.T) {
	v := view(t, nil, "testdata/files/server.trace.gz")
	if status, body := v.do("GET", "/", nil); status != http.StatusOK || !strings.Contains(body, "server.trace.gz") {
		t.Errorf("the page: %d\n%s", status, body)
	}
	status, trace := v.do("GET", "/trace", nil)
	if status != http.StatusOK || !strings.Contains(trace, "main.worker") || trace[0] != '\n' {
		t.Errorf("the trace: %d, %d bytes", status, len(trace))
	}
	if status, body := v.do("GET", "/trace", host("evil.example")); status != http.StatusForbidden || len(body) > 200 {
		t.Errorf("for another host: %d, %d bytes", status, len(body))
	}
	v.stop()
	v.awaitEnd()

	file := filepath.Join(t.TempDir(), "no-ending")
	if err := os.WriteFile(file, []byte(trace), 0o600); err != nil {
		t.Fatal(err)
	}
	v = view(t, strings.NewReader(trace), file)
	if _, again := v.do("GET", "/trace", nil); again != trace {
		t.Errorf("a Perfetto trace changed: %d bytes were %d", len(again), len(trace))
	}
	v.stop()
	v.awaitEnd()

	gz, err := os.Open("testdata/files/server.trace.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer gz.Close()
	v = view(t, gz, "--as-profile", "-")
	if status, body := v.do("GET", "/top", nil); status != http.StatusOK || !strings.Contains(body, "main.worker") {
		t.Errorf("as a profile: %d", status)
	}
	v.stop()
	v.awaitEnd()
}

// perfetto stands for ui.perfetto.dev: it hears messages late, as a page that
// has much to load, and says what it was given.
const perfetto = `<!doctype html><title>stand-in</title><script>
setTimeout(() => addEventListener("message", async (e) => {
	if (e.data === "PING") return e.source.postMessage("PONG", "*");
	const p = e.data.perfetto;
	await fetch("/got?title=" + encodeURIComponent(p.title) + "&file=" + encodeURIComponent(p.fileName), {method: "POST", body: p.buffer});
}), 700);
</script>`

// TestViewHandsOver clicks the button, and a page in the place of
// ui.perfetto.dev, of that name, gets the trace by the documented protocol.
func TestViewHandsOver(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got, about string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, perfetto)
	})
	mux.HandleFunc("POST /got", func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got, about = string(b), r.FormValue("title")+" "+r.FormValue("file")
	})
	ui := httptest.NewTLSServer(mux)
	t.Cleanup(ui.Close)
	v := view(t, nil, "testdata/files/server.trace.gz")
	_, trace := v.do("GET", "/trace", nil)
	p := chromium.Open(t, v.url, chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("host-resolver-rules", "MAP ui.perfetto.dev:443 "+ui.Listener.Addr().String()))
	p.Click("#open")
	p.Await(`document.getElementById("status").textContent`, "Handed over. profscope may end: the timeline is in that window.")
	for begin := time.Now(); time.Since(begin) < time.Minute; {
		mu.Lock()
		there := about != ""
		mu.Unlock()
		if there {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	mu.Lock()
	defer mu.Unlock()
	if got != trace || about != "server.trace.gz server.pftrace" {
		t.Errorf("%q: %d bytes of %d", about, len(got), len(trace))
	}
	if c := p.Complaints(); len(c) > 0 {
		t.Errorf("the page complained: %q", c)
	}
	p.Click("#end")
	v.awaitEnd()
}
