package context_test

import (
	"bufio"
	"context"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

// The goroutines of the situation "a life each": all begin and end inside the
// scope, so that a whole life is what every reader sees.

//go:noinline
func sleeper(wg *sync.WaitGroup) {
	defer wg.Done()
	for range 5 {
		time.Sleep(4 * time.Millisecond)
	}
}

//go:noinline
func receiver(wg *sync.WaitGroup, c chan int) {
	defer wg.Done()
	for range c {
	}
}

//go:noinline
func locker(wg *sync.WaitGroup, mu *sync.Mutex) {
	defer wg.Done()
	for range 5 {
		mu.Lock()
		time.Sleep(2 * time.Millisecond)
		mu.Unlock()
	}
}

//go:noinline
func runner(wg *sync.WaitGroup) {
	defer wg.Done()
	spin(30 * time.Millisecond)
}

//go:noinline
func writer(wg *sync.WaitGroup, name string) {
	defer wg.Done()
	for range 20 {
		must(os.WriteFile(name, make([]byte, 1<<16), 0o600))
	}
}

var lives = []string{"sleeper", "receiver", "locker", "runner", "writer"}

var _ = declare(map[string]func(){
	"a life each": func() {
		before := goroutines()
		stop := profctx.Start("a.prof", cprofile.Also("a.trace"))
		var wg sync.WaitGroup
		var mu sync.Mutex
		c := make(chan int)
		wg.Add(7)
		go sleeper(&wg)
		go receiver(&wg, c)
		for range 3 {
			go locker(&wg, &mu)
		}
		go runner(&wg)
		go writer(&wg, "written")
		for i := range 10 {
			c <- i
			time.Sleep(time.Millisecond)
		}
		close(c)
		wg.Wait()
		awaitEnd(before)
		must(stop())
		must(os.Remove("written"))
	},
	"before and after": func() {
		begin := time.Now()
		stop := profctx.Start("before.prof")
		time.Sleep(20 * time.Millisecond)
		must(stop())
		longer := time.Since(begin) + 70*time.Millisecond // than that sleep took on this machine
		stop = profctx.Start("after.prof")
		time.Sleep(longer)
		must(stop())
	},
})

// stacks are those of all goroutines.
func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// goroutines counts those that this package has started and that are not gone.
func goroutines() int {
	return strings.Count(stacks(), "created by github.com/profscope/profscope/context_test.")
}

// awaitEnd waits until there are only n goroutines. Others have said that they are
// done: what they do until they are gone, the last of it in no function of their
// own, would lie outside the scope.
func awaitEnd(n int) {
	await("goroutines to end", func() bool { return goroutines() <= n })
}

// needGo skips a test that reads with the go command's tools.
func needGo(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs the go command's tools: run without -short")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command to read with:", err)
	}
	if runtime.GOOS == "windows" {
		t.Skip("go tool trace opens a browser, which can be prevented on Unix only: run it there")
	}
}

// apart is how far times may differ: go tool trace moves events of one moment
// apart, by a nanosecond each.
const apart = time.Microsecond

// TestGoToolTrace opens the .trace of a run with go tool trace. It lists the
// scope's task; and its goroutine analysis of each goroutine's life is our
// ledger's, state by state.
func TestGoToolTrace(t *testing.T) {
	t.Parallel()
	needGo(t)
	o := meet(t, "a life each", 0)
	base := serve(t, o.dir, regexp.MustCompile(`listening on (http://\S+)`), "tool", "trace", "-http=localhost:0", "a.trace")

	if tasks := fetch(t, base+"/usertasks"); !strings.Contains(tasks, filepath.Join(o.dir, "a.prof")) {
		t.Errorf("the task of the scope is not in /usertasks:\n%s", tasks)
	}

	p := o.profile(t, "a.prof")
	var running time.Duration
	for _, name := range lives {
		fn := "github.com/profscope/profscope/context_test." + name
		theirs := goroutineAnalysis(t, fetch(t, base+"/goroutine?name="+url.QueryEscape(fn)))
		// Which function ran is an estimate, for all spawned goroutines
		// together: so is which of them did.
		running += theirs["Execution time"]
		ours := ledgerOf(p, fn)
		for _, m := range []map[string]time.Duration{ours, theirs} {
			for state := range m {
				if state != "Execution time" && state != "Total" && (ours[state]-theirs[state]).Abs() > apart {
					t.Errorf("%s: %s %v, go tool trace says %v", name, state, ours[state], theirs[state])
				}
			}
		}
	}
	if got := ledgerOf(p, "")["Execution time"]; (got-running).Abs() > apart || got == 0 {
		t.Errorf("spawned goroutines ran for %v, go tool trace says %v", got, running)
	}
}

// ledgerOf returns the time of the spawned goroutines that began at fn, of all
// if that is empty, under the names that go tool trace has for it.
func ledgerOf(p *profile.Profile, fn string) map[string]time.Duration {
	sums := make(map[string]time.Duration)
	for _, s := range p.Sample {
		if s.Label["role"][0] != "spawned" || fn != "" && !onStack(s, fn) {
			continue
		}
		state := map[string]string{"running": "Execution time", "runnable": "Sched wait time", "syscall": "Syscall", "unknown": "Unknown time"}[s.Label["state"][0]]
		if state == "" {
			state = "Block time (" + s.Label["reason"][0] + ")"
		}
		sums[state] += time.Duration(s.Value[2])
	}
	return sums
}

func onStack(s *profile.Sample, fn string) bool {
	for _, l := range s.Location {
		for _, ln := range l.Line {
			if ln.Function.Name == fn {
				return true
			}
		}
	}
	return false
}

var (
	tag  = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)
	row  = regexp.MustCompile(`(?s)<tr>(.*?)</tr>`)
	cell = regexp.MustCompile(`(?s)<t[hd][^>]*>(.*?)</t[hd]>`)
)

// goroutineAnalysis sums the rows of the page's first table. The tool splits
// system calls into those that kept their P and those that did not; a state
// is one of ours.
func goroutineAnalysis(t *testing.T, page string) map[string]time.Duration {
	t.Helper()
	_, page, ok := strings.Cut(page, `<table class="details">`)
	if !ok {
		t.Fatalf("no table in the page: %s", page)
	}
	page, _, _ = strings.Cut(page, "</table>")
	var head []string
	sums := make(map[string]time.Duration)
	for _, r := range row.FindAllStringSubmatch(page, -1) {
		var cells []string
		for _, c := range cell.FindAllStringSubmatch(r[1], -1) {
			cells = append(cells, strings.TrimSpace(html.UnescapeString(tag.ReplaceAllString(c[1], ""))))
		}
		if head == nil {
			head = cells
			continue
		}
		for i, name := range head {
			if i == 0 || name == "" {
				continue // the goroutine, and a bar
			}
			d, err := time.ParseDuration(cells[i])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if name == "Syscall execution time" || name == "Block time (syscall)" {
				name = "Syscall"
			}
			sums[name] += d
		}
	}
	return sums
}

// TestPprofServes starts the web viewer that people look at a profile with.
func TestPprofServes(t *testing.T) {
	t.Parallel()
	needGo(t)
	o := meet(t, "a life each", 0)
	addr := freeAddress(t)
	base := serve(t, o.dir, regexp.MustCompile(`Serving web UI on (http://\S+)`), "tool", "pprof", "-no_browser", "-http="+addr, "a.prof")
	page := fetch(t, base+"/ui/flamegraph")
	for _, fn := range append([]string{"time.Sleep", "sync.(*Mutex).Lock"}, lives...) {
		if !strings.Contains(page, fn) {
			t.Errorf("the flame graph lacks %s", fn)
		}
	}
	if page := fetch(t, base+"/ui/flamegraph?tf=role=self"); strings.Contains(page, "context_test.sleeper") {
		t.Error("focused on role=self, the flame graph has a spawned goroutine")
	}
}

// freeAddress returns an address to serve on: pprof takes no listener, and shows
// no port that the system chose. Until pprof has it anybody may take it: it is
// below the ports that systems give to whoever asks for any.
func freeAddress(t *testing.T) string {
	t.Helper()
	var err error
	for range 100 {
		addr := fmt.Sprint("localhost:", 20_000+rand.IntN(10_000))
		var ln net.Listener
		if ln, err = net.Listen("tcp", addr); err == nil {
			ln.Close()
			return addr
		}
	}
	t.Skip("no port to serve on, free one of 20000 to 29999:", err)
	return ""
}

// TestPprofDiff subtracts one profile from another, as people do with what
// they had before a change.
func TestPprofDiff(t *testing.T) {
	t.Parallel()
	needGo(t)
	o := meet(t, "before and after", 0)
	before, after := o.profile(t, "before.prof"), o.profile(t, "after.prof")
	grown := asleep(after) - asleep(before)
	cmd := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-top", "-unit=ns", "-diff_base=before.prof", "after.prof")
	cmd.Dir = o.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := regexp.MustCompile(fmt.Sprintf(`(?m)^ *%dns .* time\.Sleep$`, grown))
	if grown < ms(50) || !want.Match(out) {
		t.Errorf("asleep for %d ns more, but:\n%s", grown, out)
	}
}

func asleep(p *profile.Profile) (ns int64) {
	for _, s := range p.Sample {
		if s.Location[0].Line[0].Function.Name == "time.Sleep" {
			ns += s.Value[2]
		}
	}
	return ns
}

// serve runs the go command in dir until the test ends and returns the address
// that it says, which at matches.
func serve(t *testing.T, dir string, at *regexp.Regexp, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "BROWSER=true", "PPROF_TMPDIR="+dir)
	// The go command runs the tool as its child: an interrupt, which go tool
	// passes on, ends both.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() { w.CloseWithError(cmd.Wait()) }()
	found := make(chan string, 1)
	var said strings.Builder
	read := make(chan struct{})
	go func() {
		defer close(read)
		for sc := bufio.NewScanner(r); sc.Scan(); {
			said.WriteString(sc.Text() + "\n")
			if m := at.FindStringSubmatch(sc.Text()); m != nil && len(found) == 0 {
				found <- m[1]
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-read })
	select {
	case base := <-found:
		return base
	case <-read:
		t.Fatalf("go %v ended: %s", args, said.String())
	case <-time.After(2 * time.Minute):
		t.Fatalf("go %v does not serve", args)
	}
	return ""
}

// fetch returns a page; the server may not listen yet.
func fetch(t *testing.T, u string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(u)
		if err == nil {
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s %v: %s", u, resp.Status, err, b)
			}
			return string(b)
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
