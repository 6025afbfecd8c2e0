package page

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/chromium"
)

// openPage writes p as a page to disk and opens it.
func openPage(t *testing.T, p *profile.Profile) *chromium.Page {
	t.Helper()
	var b bytes.Buffer
	if _, err := Write(&b, p, "a <b> & c.prof"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	o := chromium.Open(t, (&url.URL{Scheme: "file", Path: file}).String())
	o.Await(`document.querySelectorAll("#chart g.frame").length > 0`, "true")
	return o
}

const (
	status = `document.getElementById("status").textContent`
	crumbs = `[...document.querySelectorAll("#crumbs button")].map(b => b.textContent).join(" > ")`
	bad    = `document.getElementById("search").classList.contains("bad")`
	marked = `[...document.querySelectorAll("#chart g.frame.marked")].map(g => g.__data__.data.name).sort().join(" ")`
	frames = `[...document.querySelectorAll("#chart g.frame")].map(g => g.__data__.data.name + "=" + g.__data__.data.value).sort().join(" ")`
)

// click clicks the frame of that function.
func click(t *testing.T, o *chromium.Page, function string) {
	t.Helper()
	o.Eval(`[...document.querySelectorAll("#chart g.frame")].find(g => g.__data__.data.name === "` + function + `").dispatchEvent(new MouseEvent("click", {bubbles: true}))`)
}

// search types a text into the field for it.
func search(o *chromium.Page, text string) {
	o.Eval(`(() => { const s = document.getElementById("search"); s.value = "` + text + `"; s.dispatchEvent(new Event("input")); })()`)
}

// TestPage does what a person does with the page, from disk: nothing is asked
// of a network, nothing is complained of.
func TestPage(t *testing.T) {
	t.Parallel()
	o := openPage(t, sample())
	all := "all=100 main.lock=60 main.main=100 main.spin=40 sync.(*Mutex).Lock=60"
	o.Await(frames, all)
	o.Await(`document.title`, "a <b> & c.prof · profscope")

	// Search marks, and says how much.
	search(o, "lock")
	o.Await(marked, "main.lock sync.(*Mutex).Lock")
	o.Await(status, "2 functions match: 60 ns, 60.0 % of all.")
	search(o, "lock(")
	o.Await(bad, "true")
	search(o, "")
	o.Await(marked, "")
	o.Await(bad, "false")

	// A click zooms, a second one deeper, and the back button comes back.
	click(t, o, "main.lock")
	o.Await(crumbs, "all > main.main > main.lock")
	o.Await(`[...document.querySelectorAll("#chart g.frame")].some(g => g.__data__.data.name === "main.spin")`, "false")
	width := `Math.round(document.querySelector("#chart g.frame:not(.fade) rect").getBoundingClientRect().width) === document.getElementById("chart").clientWidth`
	o.Await(width, "true")
	click(t, o, "sync.(*Mutex).Lock")
	o.Await(crumbs, "all > main.main > main.lock > sync.(*Mutex).Lock")
	o.Eval("history.back()")
	o.Await(crumbs, "all > main.main > main.lock")
	o.Eval("history.back()")
	o.Await(crumbs, "all")
	o.Await(frames, all)

	// Another sample type, and back.
	o.Eval(`(() => { const s = document.getElementById("type"); s.value = 0; s.dispatchEvent(new Event("change")); })()`)
	o.Await(frames, "all=4 main.main=4 main.spin=4")
	o.Eval("history.back()")
	o.Await(frames, all)

	// A state of the legend filters; a label groups.
	o.Eval(`[...document.querySelectorAll("#states-legend button")].find(b => b.textContent.startsWith("blocked sync")).click()`)
	o.Await(frames, "all=60 main.lock=60 main.main=60 sync.(*Mutex).Lock=60")
	o.Eval("history.back()")
	o.Await(frames, all)
	o.Eval(`(() => { const s = document.getElementById("group"); s.value = "state"; s.dispatchEvent(new Event("change")); })()`)
	o.Await(frames, "all=100 main.lock=60 main.main=40 main.main=60 main.spin=40 state: blocked=60 state: running=40 sync.(*Mutex).Lock=60")

	// The table, and the callers of a row of it.
	o.Click("#views a[data-view=top]")
	o.Await(`[...document.querySelectorAll("#top tbody tr")].map(r => r.cells[2].textContent + " " + r.querySelector(".name span").textContent).join("; ")`,
		"100 ns main.main; 60 ns main.lock; 60 ns sync.(*Mutex).Lock; 40 ns main.spin")
	o.Click("#top tbody tr:nth-child(2)")
	o.Await(`document.querySelector(".chosen b").textContent`, "main.lock")
	o.Await(`[...document.querySelectorAll("#calls td.name span")].map(s => s.textContent).join(" ")`, "main.main sync.(*Mutex).Lock")

	// Dark and light differ, in the frames too.
	o.Click("#views a[data-view=flame]")
	look := `getComputedStyle(document.body).backgroundColor + document.querySelector("#chart g.frame:last-child rect").getAttribute("fill")`
	before := o.Eval(look)
	o.Click("#theme")
	o.Await(`(`+look+`) !== "`+before+`"`, "true")

	requests := o.Requests()
	for _, r := range requests {
		if !strings.HasPrefix(r, "file://") || !strings.Contains(r, "/page.html") {
			t.Errorf("the page asked for %s", r)
		}
	}
	if len(requests) == 0 {
		t.Error("not even the page was asked for: requests are not seen")
	}
	if c := o.Complaints(); len(c) > 0 {
		t.Errorf("the page complained: %q", c)
	}
}

// TestPageHolds: names and labels that could end the script, or be markup, are
// text; a negative value is told; a deep stack and a plain profile work.
func TestPageHolds(t *testing.T) {
	t.Parallel()
	p := sample()
	p.SampleType = p.SampleType[1:]
	for _, s := range p.Sample {
		s.Value = s.Value[1:]
		s.Label = nil
	}
	p.Function[1].Name = `</script><img src=x onerror="document.title='broken'">`
	p.Sample[1].Value[0] = -7
	deep := p.Sample[0].Location[1]
	for range 400 {
		p.Sample[0].Location = append(p.Sample[0].Location, deep)
	}
	o := openPage(t, p)
	o.Await(`document.title`, "a <b> & c.prof · profscope")
	o.Await(`document.querySelectorAll("img").length`, "0")
	o.Await(status+`.includes("Not shown: negative values, -7 ns in all.")`, "true")
	o.Await(`document.querySelectorAll("#chart g.frame").length > 400`, "true")
	o.Await(status+`.includes("Not whole")`, "false")
	o.Click("#views a[data-view=top]")
	o.Await(`[...document.querySelectorAll("#top td.name span")].map(s => s.textContent).join(" ")`, `main.main main.lock sync.(*Mutex).Lock `+p.Function[1].Name)
	if c := o.Complaints(); len(c) > 0 {
		t.Errorf("the page complained: %q", c)
	}
}

// TestPageCut: a stack that is too deep is drawn as far as it goes, and told.
func TestPageCut(t *testing.T) {
	t.Parallel()
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}}, Sample: []*profile.Sample{stackOf(5_000_000, "leaf", "root")}}
	o := openPage(t, p)
	o.Await(status+`.includes("Not whole: stacks of more than 2048 frames lack their middle (samples: 1).")`, "true")
	o.Await(`[...document.querySelectorAll("#chart g.frame")].some(g => g.__data__.data.name === "[4997952 frames left out]")`, "true")
	o.Await(`[...document.querySelectorAll("#chart g.frame")].some(g => g.__data__.data.name === "leaf")`, "true")
	if c := o.Complaints(); len(c) > 0 {
		t.Errorf("the page complained: %q", c)
	}
}
