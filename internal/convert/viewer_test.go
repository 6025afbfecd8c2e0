package convert

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/profscope/profscope/internal/chromium"
)

// goViewer is the folder of the viewer that go tool trace shows, which is
// chrome://tracing's own.
func goViewer(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("no go command, whose viewer is to read the trace:", err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "src/internal/trace/traceviewer/static")
}

// viewerPage has the viewer's importer read the trace, and tells what it found
// in it.
const viewerPage = `<!doctype html><html><head>
<link rel="icon" href="data:,">
<script src="/webcomponents.min.js"></script>
<script>
window.seen = '';
async function read() {
	const model = new tr.Model();
	const options = new tr.importer.ImportOptions();
	options.showImportWarnings = false;
	const text = await (await fetch('/trace.json')).text();
	await new tr.importer.Import(model, options).importTraces([text]);
	const found = {Slices: {}, Unfinished: 0, Stacks: 0, Frames: [], Tracks: [], Counters: 0,
		Arrows: model.flowEvents.length,
		Loose: model.flowEvents.filter(f => !f.startSlice || !f.endSlice).length,
		Warnings: model.importWarnings.map(w => w.type + ': ' + w.message)};
	for (const process of model.getAllProcesses()) {
		found.Counters += Object.keys(process.counters).length;
		for (const thread of Object.values(process.threads)) {
			found.Tracks.push(process.name + ': ' + thread.name);
			for (const s of thread.sliceGroup.slices) {
				found.Slices[s.category] = (found.Slices[s.category] || 0) + Math.round(s.duration * 1e6);
				if (s.didNotFinish) found.Unfinished++;
				if (!s.startStackFrame) continue;
				found.Stacks++;
				if (s.title === 'blocked: sleep') found.Frames = s.startStackFrame.getUserFriendlyStackTrace();
			}
		}
	}
	return found;
}
function go() {
	read().then(found => seen = JSON.stringify(found), e => seen = JSON.stringify({Failed: String(e && e.message || e)}));
}
</script>
<link rel="import" href="/trace_viewer_full.html" onload="go()" onerror="seen = '{&quot;Failed&quot;:&quot;no viewer&quot;}'">
</head><body></body></html>`

// viewed is what the page tells.
type viewed struct {
	Failed                   string
	Slices                   map[string]int64 // nanoseconds by category
	Unfinished, Loose        int
	Stacks, Counters, Arrows int
	Frames, Tracks, Warnings []string
}

// TestGoViewer has chrome://tracing's own importer read what we write: it
// finds no fault, and the times that the ledger has.
func TestGoViewer(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a browser: run without -short")
	}
	static := goViewer(t)
	name := traces(t)[4]
	trace := draw(t, name, ".json")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, viewerPage)
		case "/trace.json":
			_, _ = w.Write(trace)
		default:
			http.ServeFile(w, r, filepath.Join(static, filepath.Base(r.URL.Path)))
		}
	}))
	t.Cleanup(server.Close)

	page := chromium.Open(t, server.URL)
	page.Await(`seen !== ''`, "true")
	var got viewed
	if err := json.Unmarshal([]byte(page.Eval("seen")), &got); err != nil {
		t.Fatal(err)
	}
	if got.Failed != "" || len(got.Warnings) != 0 || got.Unfinished != 0 || got.Loose != 0 {
		t.Fatalf("the viewer says: %+v (%q)", got, page.Complaints())
	}
	for state, ns := range states(t, name) {
		if got.Slices[state] != ns {
			t.Errorf("%s: %d ns, the ledger has %d", state, got.Slices[state], ns)
		}
	}
	if got.Arrows == 0 || got.Stacks == 0 || got.Counters == 0 {
		t.Errorf("%d arrows, %d slices with a stack, %d counters", got.Arrows, got.Stacks, got.Counters)
	}
	if !slices.ContainsFunc(got.Frames, func(f string) bool { return strings.HasPrefix(f, "time.Sleep (") }) {
		t.Errorf("the stack of a sleep is %q", got.Frames)
	}
	if !slices.ContainsFunc(got.Tracks, func(s string) bool {
		return strings.HasPrefix(s, "main.worker: G") && strings.HasSuffix(s, " main.worker")
	}) {
		t.Errorf("the tracks are %q", got.Tracks)
	}
}
