package httpprofile_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/internal/scratch"
)

// descriptors returns how many this process has open; -1 where that cannot be
// told.
func descriptors() int {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(fds)
}

// settles waits until f is true. A test that waits for ever ends by its
// timeout, with all stacks.
func settles(f func() bool) {
	for !f() {
		time.Sleep(20 * time.Millisecond)
	}
}

// await waits until f is true, and says what for when it takes too long.
func await(t *testing.T, what string, f func() bool) {
	t.Helper()
	for begun := time.Now(); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begun) > 90*time.Second {
			t.Fatalf("no %s after 90 s", what)
		}
	}
}

// TestManySessions starts and stops 200 sessions at once, again and again:
// nothing is lost, and no goroutine and no descriptor is left.
func TestManySessions(t *testing.T) {
	t.Parallel()
	if !inChild(t) {
		return
	}
	s := newServed(t)
	once := func(name string) {
		body := fmt.Sprintf(`{"name":%q}`, name)
		if status, a := s.ask("POST", "/start_profile", body); status != 200 {
			t.Errorf("start: %d %v", status, a)
			return
		}
		if status, a := s.ask("POST", "/stop_profile", body); status != 200 || a["bytes"].(float64) == 0 {
			t.Errorf("stop: %d %v", status, a)
		}
	}
	round := func(n int) {
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { once(fmt.Sprintf("many-%d", i)) })
		}
		all.Wait()
		http.DefaultClient.CloseIdleConnections()
	}
	round(20) // what is made once
	// The recording ends some ticks after its last scope, and with it what it has.
	idle := func() bool { return !strings.Contains(stacks(), "session.(*keeper).keep") }
	settles(idle)
	time.Sleep(200 * time.Millisecond)
	goroutines, fds := runtime.NumGoroutine(), descriptors()
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	for begin, n := time.Now(), 0; n < rounds && time.Since(begin) < 10*time.Second; n++ { // under the race detector one takes longer
		round(200)
	}
	for i := range 200 {
		readProfile(t, filepath.Join(s.dir, fmt.Sprintf("many-%d.prof", i)))
	}
	settles(idle)
	settles(func() bool { return runtime.NumGoroutine() <= goroutines && descriptors() <= fds })
	if files, _ := os.ReadDir(s.dir); len(files) != 200 {
		t.Errorf("%d files, want 200", len(files))
	}
}

func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

// TestLargeBody: a body of a gigabyte is refused when it is over the limit, and
// is not read.
func TestLargeBody(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	body := io.MultiReader(strings.NewReader(`{"prompt":"`), io.LimitReader(xs{}, 1<<30), strings.NewReader(`"}`))
	counted := &counting{r: body}
	resp, err := http.Post(s.url+"/start_profile", "application/json", counted)
	if err == nil { // or the connection was closed while the client still wrote
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Error(resp.Status)
		}
	}
	counted.mu.Lock()
	defer counted.mu.Unlock()
	if counted.n > 64<<20 {
		t.Errorf("%d bytes were taken", counted.n)
	}
}

type xs struct{}

func (xs) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

type counting struct {
	r  io.Reader
	mu sync.Mutex
	n  int
}

func (c *counting) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// TestHalfOpen: clients that send half of a request, or never read the answer,
// are in nobody's way.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	addr := strings.TrimPrefix(s.url, "http://")
	for range 20 {
		for _, half := range []string{
			"POST /start_profile HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
			"POST /stop_profile HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
			"GET /debug/pprof/trace?seconds=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", // and never reads
			"GET /profiles HTTP/1.1\r\nHost: local",
		} {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprint(c, half)
		}
	}
	body := fmt.Sprintf(`{"name":%q}`, nameOf(t))
	s.must(200, "POST", "/start_profile", body)
	s.must(200, "POST", "/stop_profile", body)
	stop := profctx.Start(filepath.Join(scratch.Folder(t), "x.prof"))
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestHeaderFlood: net/http's own limit of headers holds before ours are asked, and
// others are answered.
func TestHeaderFlood(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() { // the server stops reading
		w := bufio.NewWriter(c)
		fmt.Fprint(w, "GET /profiles HTTP/1.1\r\nHost: localhost\r\n")
		for i := range 100_000 {
			if _, err := fmt.Fprintf(w, "X-%d: %s\r\n", i, strings.Repeat("x", 100)); err != nil {
				return
			}
		}
		w.Flush()
	}()
	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	switch line, err := bufio.NewReader(c).ReadString('\n'); {
	case err == nil && !strings.Contains(line, "431"):
		t.Errorf("%q", line)
	case errors.Is(err, os.ErrDeadlineExceeded):
		t.Error("the server neither answered nor closed")
	} // another error is its close, with bytes of ours unread
	s.must(200, "GET", "/profiles", "")
}

// TestManyFiles: a folder of 10,000 files is listed, and can be recorded into.
func TestManyFiles(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	const n = 10_000
	for i := range n {
		f, err := os.Create(filepath.Join(s.dir, fmt.Sprintf("f%d.prof", i)))
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	body := fmt.Sprintf(`{"name":%q}`, nameOf(t))
	s.must(200, "POST", "/start_profile", body)
	s.must(200, "POST", "/stop_profile", body)
	if got := len(s.must(200, "GET", "/profiles", "")["profiles"].([]any)); got < n+1 {
		t.Errorf("%d are listed", got)
	}
}
