// Package chromium opens a page in a headless browser, for the tests of what
// people look at: only a browser says whether a page works.
package chromium

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Page is an open page, with what it asked for and what it complained of. Its
// methods end the test if the browser fails. It is for one goroutine.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu         sync.Mutex
	requests   []string
	complaints []string
}

// Open opens the address in a browser of the test's own, which ends with the
// test. The test is skipped where there is no chromium. more are the browser's
// flags beyond those of every test.
func Open(t testing.TB, address string, more ...chromedp.ExecAllocatorOption) *Page {
	t.Helper()
	browser, err := find()
	if err != nil {
		t.Skip("no chromium to open the page with:", err)
	}
	// Not t.TempDir: a browser that is being killed may still write, and that
	// is no failure of what is tested.
	dir, err := os.MkdirTemp("", "profscope-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	// In a container root cannot have chromium's sandbox; the pages are ours.
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox,
		chromedp.UserDataDir(dir), chromedp.WindowSize(1300, 900))
	options = append(options, more...)
	allocated, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocated)
	t.Cleanup(func() {
		// Orderly first, so that no process of it stays.
		_ = chromedp.Cancel(ctx)
		end()
		stop()
	})
	p := &Page{t: t, ctx: ctx}
	p.must(chromedp.Listen(ctx, p.hear))
	_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	p.must(err)
	_, err = chromedp.Call(ctx, log.Enable, struct{}{})
	p.must(err)
	p.must(chromedp.Do(ctx, chromedp.Navigate(address)))
	return p
}

func find() (string, error) {
	var all error
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		path, err := exec.LookPath(name)
		if err == nil {
			return path, nil
		}
		all = errors.Join(all, err)
	}
	return "", all
}

func (p *Page) hear(e any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	case *runtime.EventConsoleAPICalled:
		p.complaints = append(p.complaints, "console: "+string(e.Type))
	case *runtime.EventExceptionThrown:
		p.complaints = append(p.complaints, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		p.complaints = append(p.complaints, "log: "+e.Entry.Text)
	}
}

func (p *Page) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("the browser: %v (%q)", err, p.Complaints())
	}
}

// patience is after how long a browser that does not answer is a failure.
const patience = time.Minute

// Eval returns the value of a JavaScript expression, as a string.
func (p *Page) Eval(expr string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+expr+")"))
	p.must(err)
	return s
}

// Click clicks the first element of that selector. It is the page's own click:
// the browser's input waits for frames to be drawn, which on a busy machine a
// headless one may not do for a minute.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.Eval("document.querySelector(`" + selector + "`).click()")
}

// Await waits until the expression has that value: what is drawn moves.
func (p *Page) Await(expr, want string) {
	p.t.Helper()
	got := ""
	for begin := time.Now(); time.Since(begin) < patience; {
		if got = p.Eval(expr); got == want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.t.Fatalf("%s\nis   %q\nwant %q (%q)", expr, got, want, p.Complaints())
}

// Requests returns the addresses that were asked for, that of the page first.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.requests...)
}

// Complaints returns what the page wrote to the console, and its errors.
func (p *Page) Complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.complaints...)
}
