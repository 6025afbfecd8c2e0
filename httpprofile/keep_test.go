package httpprofile_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
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

// inChild runs the test in a process of its own, where what is kept is in
// nobody's way, and reports whether this is that process.
func inChild(t *testing.T, env ...string) bool {
	t.Helper()
	if os.Getenv("PROFSCOPE_TEST_CHILD") == t.Name() {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), append(env, "PROFSCOPE_TEST_CHILD="+t.Name())...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

//go:noinline
func before() { time.Sleep(90 * time.Millisecond) }

//go:noinline
func after() { time.Sleep(40 * time.Millisecond) }

//go:noinline
func longBefore() { time.Sleep(50 * time.Millisecond) }

// TestSince: a recording has what was before it, as much as was asked for.
func TestSince(t *testing.T) {
	t.Parallel()
	if !inChild(t, "PROFSCOPE_KEEP=30s") {
		return
	}
	s := newServed(t)
	const n = 10
	hold := make(chan struct{})
	var ready sync.WaitGroup
	ready.Add(n)
	for range n {
		go parkedOlder(hold, &ready)
	}
	ready.Wait()
	longBefore()
	// More than the difference of the clocks' readings, and than a busy machine takes
	// for a request.
	const apart = 300 * time.Millisecond
	time.Sleep(2 * apart)
	asked := time.Now()
	before()
	since := time.Since(asked)
	body := func(more string) string { return fmt.Sprintf(`{"name":"since"%s}`, more) }
	s.must(400, "POST", "/start_profile", body(`,"since":"30s"`))
	s.must(400, "POST", "/start_profile", body(`,"since":"-30s","format":"trace"`))
	s.must(200, "POST", "/start_profile", body(fmt.Sprintf(`,"since":"-%v"`, time.Since(asked)+apart)))
	after()
	stop := s.must(200, "POST", "/stop_profile", body(""))
	atMost := time.Since(asked) + apart
	stopped := time.Now()
	close(hold)
	p := readProfile(t, fmt.Sprint(stop["path"]))
	if end := time.Unix(0, p.TimeNanos+p.DurationNanos); end.After(stopped) {
		t.Errorf("the file ends %v after its end", end.Sub(stopped))
	}
	// They sleep 10 ms longer: a Sleep's time begins before its goroutine parks.
	if got := wall(p, ".before", "blocked"); got < 80*time.Millisecond || got > since {
		t.Errorf("before: %v, want 80 ms to %v", got, since)
	}
	if got := wall(p, ".after", "blocked"); got < 30*time.Millisecond {
		t.Errorf("after: %v, want 30 ms or more", got)
	}
	if got := wall(p, ".longBefore", ""); got != 0 {
		t.Errorf("longBefore: %v, which was before the time asked for", got)
	}
	elapsed := time.Duration(stop["elapsed_ns"].(float64))
	if elapsed < 110*time.Millisecond || elapsed > atMost || p.DurationNanos != int64(elapsed) {
		t.Errorf("elapsed %v, in the file %v, want 110 ms to %v", elapsed, time.Duration(p.DurationNanos), atMost)
	}
	// Goroutines that waited all the time are there for all of it; between what
	// was kept and what was recorded lies the mark of the begin, at which a
	// thread may take its time.
	got := wall(p, ".parkedOlder", "") / n
	if got < 110*time.Millisecond || got > elapsed {
		t.Errorf("goroutines that waited: %v each, want 110 ms to %v", got, elapsed)
	}
	if !strings.Contains(strings.Join(p.Comments, "\n"), "before its start") {
		t.Errorf("%q", p.Comments)
	}
}

// TestSinceNotKept: nothing is left of a recording that cannot begin as asked.
func TestSinceNotKept(t *testing.T) {
	t.Parallel()
	if !inChild(t, "PROFSCOPE_KEEP=") {
		return
	}
	s := newServed(t)
	a := s.must(400, "POST", "/start_profile", `{"since":"-30s"}`)
	if !strings.Contains(fmt.Sprint(a["error"]), "PROFSCOPE_KEEP") {
		t.Errorf("%v", a)
	}
	if files, _ := os.ReadDir(s.dir); len(files) != 0 {
		t.Errorf("%v", files)
	}
	s.must(200, "POST", "/start_profile", "")
	stop := s.must(200, "POST", "/stop_profile", "")
	good, err := os.ReadFile(fmt.Sprint(stop["path"]))
	if err != nil {
		t.Fatal(err)
	}
	s.must(400, "POST", "/start_profile", `{"since":"-30s"}`)
	scratch.Flush(t, s.dir)
	if b, err := os.ReadFile(fmt.Sprint(stop["path"])); string(b) != string(good) {
		t.Errorf("the earlier file of the name: %v, %d bytes of %d", err, len(b), len(good))
	}
	if again := s.must(200, "POST", "/stop_profile", ""); again["path"] != stop["path"] {
		t.Errorf("stop says %v", again)
	}
}

// TestSlowRequest: a slow request that nobody recorded has a profile, of its own
// goroutines and the worker that joined, and quick ones have none.
func TestSlowRequest(t *testing.T) {
	t.Parallel()
	if !inChild(t) {
		return
	}
	dir := scratch.Folder(t)
	jobs := make(chan func())
	go func() {
		for f := range jobs {
			f()
		}
	}()
	mux := http.NewServeMux()
	mux.HandleFunc("/work", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("slow") == "" {
			return
		}
		slowPart()
		slowPart()
		done := make(chan struct{})
		jobs <- func() {
			defer close(done)
			defer profctx.Join(r.Context())()
			workersPart()
		}
		<-done
	})
	server := around(t, dir, mux, httpprofile.Keep(20*time.Second), httpprofile.Profile(cprofile.SlowerThan(25*time.Millisecond)))
	go func() { // somebody else's, at the same time
		for {
			before()
		}
	}()
	for range 3 {
		get(t, server.URL+"/work")
	}
	get(t, server.URL+"/work?slow=1")
	answered := time.Now()
	get(t, server.URL+"/work?slow=2")
	file := filepath.Join(dir, "route-work.prof")
	var p *profile.Profile
	var calls int
	// The second may come with a later write; and some of the quick ones are slow, where
	// the machine is busy.
	await(t, "file of both", func() bool {
		if _, err := os.Stat(file); err != nil {
			return false
		}
		p = readProfile(t, file)
		calls, _ = strconv.Atoi(comment(p, "calls: "))
		return calls >= 2 && wall(p, ".slowPart", "blocked") >= 60*time.Millisecond
	})
	if calls >= 5 {
		t.Errorf("%d calls: the quick ones too", calls)
	}
	slow, workers := wall(p, ".slowPart", "blocked"), wall(p, ".workersPart", "blocked")
	if workers < 10*time.Millisecond {
		t.Errorf("workersPart: %v", workers)
	}
	if got := wall(p, ".before", ""); got != 0 {
		t.Errorf("somebody else's: %v", got)
	}
	if start := time.Unix(0, p.TimeNanos); start.After(answered.Add(-50 * time.Millisecond)) {
		t.Errorf("the file begins at %v, and the first request, of 50 ms, was answered at %v", start, answered)
	}
	if time.Duration(p.DurationNanos) < slow+workers {
		t.Errorf("%v, and parts of %v and %v", time.Duration(p.DurationNanos), slow, workers)
	}
}

//go:noinline
func slowRoute() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		slowPart()
	}()
	<-done
}

// TestSlowRequestOptions: what a route wishes holds for slow requests that nobody
// recorded, and its trace of those that are recorded ends with them all the same.
func TestSlowRequestOptions(t *testing.T) {
	t.Parallel()
	if !inChild(t) {
		return
	}
	s := newServed(t)
	calls := make(chan cprofile.Stats, 1)
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { slowRoute() })
	server := around(t, s.dir, handler, httpprofile.Keep(20*time.Second), httpprofile.Profile(
		cprofile.SlowerThan(10*time.Millisecond), cprofile.Stitch(false), cprofile.Also("x.trace"),
		cprofile.OnCall(func(s cprofile.Stats) { calls <- s })))
	for range 2 {
		get(t, server.URL)
		if c := <-calls; c.Calls != 1 || c.Elapsed < 10*time.Millisecond || c.Spawned.Blocked < 10*time.Millisecond {
			t.Errorf("OnCall: %+v", c)
		}
	}
	file := filepath.Join(s.dir, "route-other")
	await(t, "profile", func() bool { _, err := os.Stat(file + ".prof"); return err == nil })
	p := readProfile(t, file+".prof")
	if wall(p, ".slowPart", "") < 10*time.Millisecond {
		t.Error("nothing of slowPart")
	}
	for _, sample := range p.Sample {
		if sample.Label["role"][0] != "spawned" {
			continue
		}
		for _, l := range sample.Location {
			if strings.HasSuffix(l.Line[0].Function.Name, ".slowRoute") {
				t.Error("a stack is stitched")
			}
		}
	}
	s.must(200, "POST", "/start_profile", "")
	get(t, server.URL)
	<-calls
	// While the recording goes on.
	await(t, "trace", func() bool { _, err := os.Stat(file + ".trace"); return err == nil })
	s.must(200, "POST", "/stop_profile", "")
}

// TestSlowRequestsBesideAHang: a route whose reader takes nothing, and all of whose
// requests are slow, keeps those of another one waiting neither for an answer nor
// for their file. Nothing of its own is lost.
func TestSlowRequestsBesideAHang(t *testing.T) {
	t.Parallel()
	if !inChild(t) { // whose stdout it is
		return
	}
	hanging, written := scratch.Folder(t), scratch.Folder(t)
	release := fullStdout(t)
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { slowPart() })
	keep, slow := httpprofile.Keep(90*time.Second), cprofile.SlowerThan(10*time.Millisecond)
	a := around(t, hanging, handler, keep, httpprofile.Profile(slow, cprofile.Also("")))
	b := around(t, written, handler, keep, httpprofile.Profile(slow))
	get(t, a.URL)
	await(t, "file of the route that hangs", func() bool { // before its table
		_, err := os.Stat(filepath.Join(hanging, "route-other.prof"))
		return err == nil
	})
	const many, each = 20, 5
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			for range each {
				get(t, a.URL)
			}
		})
	}
	all.Wait()
	get(t, b.URL)
	// What hangs does so for a second until it is left alone. For twenty seconds
	// nothing would be read, if that counted for reading.
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(written, "route-other.prof")); err == nil {
			break
		}
		if time.Since(begun) > 15*time.Second {
			t.Error("there is no file of the other route")
			break
		}
	}
	release()
	await(t, "file of all calls", func() bool {
		return comment(readProfile(t, filepath.Join(hanging, "route-other.prof")), "calls: ") == fmt.Sprint(many*each+1)
	})
}

// fullStdout makes a stdout whose reader takes nothing until release is called.
func fullStdout(t *testing.T) (release func()) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = w.Write(make([]byte, 4096))
	}
	if err := w.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	release = sync.OnceFunc(func() { go func() { _, _ = io.Copy(io.Discard, r) }() })
	t.Cleanup(func() {
		release()
		scratch.Flush(t, "") // until then it is looked at
		os.Stdout = stdout
	})
	return release
}
