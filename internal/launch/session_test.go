//go:build unix

package launch

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// steered is a program that runs until somebody ends it.
type steered struct {
	s    Session
	out  string
	done chan struct{}
	res  Result
	err  error
	said said
}

func steer(t *testing.T, change func(*Options)) *steered {
	t.Helper()
	return steerProgram(t, change, "go", "run", "-C", ends(t), ".", "loop")
}

func steerProgram(t *testing.T, change func(*Options), argv ...string) *steered {
	t.Helper()
	r := &steered{out: filepath.Join(t.TempDir(), "x.prof"), done: make(chan struct{})}
	name := "test-" + filepath.Base(filepath.Dir(filepath.Dir(r.out))) + "-" + filepath.Base(filepath.Dir(r.out))
	o := r.said.options(t, r.out)
	o.Session = name
	if change != nil {
		change(&o)
	}
	go func() {
		defer close(r.done)
		r.res, r.err = Run(context.Background(), argv, o)
	}()
	t.Cleanup(func() {
		if st, err := r.s.Status(); err == nil && len(st.Processes) > 0 {
			kill(t, st.Processes[0].PID)
		}
		<-r.done
	})
	r.until(t, func() bool {
		ss, err := Find(name, false)
		if err != nil {
			return false
		}
		r.s = ss[0]
		st, err := r.s.Status()
		return err == nil && len(st.Processes) == 1
	})
	return r
}

func (r *steered) until(t *testing.T, ok func() bool) {
	t.Helper()
	for !ok() {
		select {
		case <-r.done:
			t.Fatalf("it has ended: %v\n%s%s", r.err, &r.said.stderr, &r.said.ours)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (r *steered) pid(t *testing.T) int {
	t.Helper()
	st, err := r.s.Status()
	if err != nil || len(st.Processes) == 0 {
		t.Fatal(st, err)
	}
	return st.Processes[0].PID
}

func kill(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		_ = p.Kill()
	}
}

// TestKilled: what a snapshot has shown is in the file of a program that was
// killed afterwards.
func TestKilled(t *testing.T) {
	t.Parallel()
	r := steer(t, nil)
	// Not what ran: where there is no sample yet, that is shared out otherwise than
	// when there are some.
	blocked := func(p *profile.Profile) time.Duration {
		return wallOf(p, func(s *profile.Sample) bool {
			return has(s, "main.lastMoment") && slices.Contains(s.Label["state"], "blocked")
		})
	}
	var seen time.Duration
	r.until(t, func() bool {
		files, err := r.s.Snapshot()
		if err == nil {
			seen = blocked(parse(t, files[0].Path))
		}
		return seen > 0
	})
	kill(t, r.pid(t))
	<-r.done
	if r.err != nil || r.res.Code != 128+9 {
		t.Fatalf("exit code %d, %v", r.res.Code, r.err)
	}
	p := parse(t, r.out)
	if d := blocked(p); d < seen {
		t.Errorf("%v, and the snapshot before had %v", d, seen)
	}
	if !strings.Contains(strings.Join(p.Comments, "\n"), "ended without telling so, by a signal (killed): its end may be missing, ") {
		t.Errorf("the file does not tell: %q", p.Comments)
	}
}

// TestSession: start, stop, cancel and snapshot, and what they leave.
func TestSession(t *testing.T) {
	t.Parallel()
	r := steer(t, nil)
	first, err := r.s.Stop() // at once: the program may not have reached main
	if err != nil || len(first) != 1 || first[0].Path != r.out {
		t.Fatalf("%v, %v", first, err)
	}
	if info, err := os.Stat(r.out); err != nil || info.Size() != first[0].Bytes {
		t.Errorf("%v, %v", info, err)
	}
	again, err := r.s.Stop()
	if err != nil || len(again) != 1 || again[0].Path != first[0].Path {
		t.Errorf("the second stop: %v, %v", again, err)
	}
	if _, err := r.s.Snapshot(); err == nil || !strings.Contains(err.Error(), "sessions start begins") {
		t.Errorf("a snapshot of nothing: %v", err)
	}
	if n, err := r.s.Start(""); n != 1 || err != nil {
		t.Fatalf("%d started, %v", n, err)
	}
	recording := func() bool { st, err := r.s.Status(); return err == nil && st.State == "recording" }
	r.until(t, recording)
	if n, err := r.s.Start(""); n != 0 || err != nil {
		t.Errorf("started twice: %d, %v", n, err)
	}
	var snap []Written
	r.until(t, func() bool { snap, err = r.s.Snapshot(); return err == nil })
	if base := filepath.Base(snap[0].Path); !strings.HasPrefix(base, "x.2.snapshot-") || filepath.Dir(snap[0].Path) != filepath.Dir(r.out) {
		t.Errorf("the snapshot is %s", snap[0].Path)
	}
	if notes := strings.Join(parse(t, snap[0].Path).Comments, "\n"); !strings.Contains(notes, "The program was still running: what is shown ends ") || strings.Contains(notes, "damaged") || len(snap[0].Losses) > 0 {
		t.Errorf("the snapshot says %q, and we %q", notes, snap[0].Losses)
	}
	if err := r.s.Cancel(); err != nil {
		t.Fatal(err)
	}
	if n, err := r.s.Start(filepath.Join(filepath.Dir(r.out), "other.prof")); n != 1 || err != nil {
		t.Fatalf("%d started, %v", n, err)
	}
	r.until(t, recording)
	r.until(t, func() bool { _, err := r.s.Snapshot(); return err == nil })
	third, err := r.s.Stop()
	if err != nil || len(third) != 1 || filepath.Base(third[0].Path) != "other.prof" {
		t.Errorf("%v, %v", third, err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(r.out), "x.2.prof")); err == nil {
		t.Error("the canceled recording has a file")
	}
}

// TestWaitFromBefore: a goroutine that waited when a recording began has a place
// there. One that is woken within the recording's first moment has none: that moment
// is long on a busy machine, and that it always is, is as good as impossible.
func TestWaitFromBefore(t *testing.T) {
	t.Parallel()
	r := steerProgram(t, func(o *Options) { o.Delay = time.Hour }, parts(t), "doze")
	var nowhere []time.Duration
	for i, begin := 0, time.Now(); i < 50 && time.Since(begin) < time.Minute; i++ {
		if n, err := r.s.Start(filepath.Join(filepath.Dir(r.out), fmt.Sprintf("%d.prof", i))); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		time.Sleep(350 * time.Millisecond) // it is woken
		files, err := r.s.Stop()
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		p := parse(t, files[0].Path)
		d := wallOf(p, func(s *profile.Sample) bool {
			return slices.Contains(s.Label["state"], "blocked") && !has(s, "main.main")
		})
		said := strings.Contains(strings.Join(p.Comments, "\n"), "waited from before the recording on")
		if d > 10*time.Millisecond && !said || d == 0 && said { // in between it may be less than a hundredth
			t.Errorf("%v of at least 350ms are nowhere, and it is said: %t", d, said)
		}
		if nowhere = append(nowhere, d); d == 0 {
			return
		}
	}
	t.Errorf("waits without a place in each recording: %v", nowhere)
}

// TestDuration: the recording ends, and so does the program.
func TestDuration(t *testing.T) {
	t.Parallel()
	r := steer(t, func(o *Options) { o.Duration, o.Kill = 1500*time.Millisecond, "sigterm" })
	<-r.done
	if r.err != nil || r.res.Code != 128+15 {
		t.Fatalf("exit code %d, %v", r.res.Code, r.err)
	}
	if d := parse(t, r.out).DurationNanos; time.Duration(d) < 500*time.Millisecond {
		t.Errorf("recorded %v of 1.5s", time.Duration(d))
	}
}

// TestDelay: nothing is recorded before it is time.
func TestDelay(t *testing.T) {
	t.Parallel()
	r := steer(t, func(o *Options) { o.Delay = time.Hour })
	if st, err := r.s.Status(); err != nil || st.State != "idle" {
		t.Fatalf("%+v, %v", st, err)
	}
	if n, err := r.s.Start(""); n != 1 || err != nil {
		t.Fatal(n, err)
	}
}

// TestStaleSession: a socket that nobody answers is removed, a client that
// says nothing disturbs nobody.
func TestStaleSession(t *testing.T) {
	// Not parallel: a program that another test is starting has this one's closed
	// socket for a moment, and answers.
	dir, err := sessionFolder()
	if err != nil {
		t.Fatal(err)
	}
	l, err := listen(filepath.Join(dir, "stale-one"+socketEnding), nil, nobody)
	if err != nil {
		t.Fatal(err)
	}
	l.l.Close() // as when its launcher is killed
	ss, err := Sessions()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range ss {
		if s.Name == "stale-one" {
			t.Error("the stale session is listed")
		}
	}
	for begun := time.Now(); ; { // who has locked the folder for long is waited for by the next list
		if _, err := os.Lstat(l.path); err != nil {
			break
		}
		if _, err := Sessions(); err != nil || time.Since(begun) > 30*time.Second {
			t.Fatal("its socket is there yet", err)
		}
	}
}

// nobody serves who only looks whether somebody is there.
func nobody(*net.UnixConn) {}

// hold takes a name for a session, or says who has it.
func hold(name string) (*listener, error) { return newSession(&Options{}).control(name) }

// TestSlowSession: a session whose launcher does not answer has its name yet, and
// is listed.
func TestSlowSession(t *testing.T) {
	t.Parallel()
	dir, err := sessionFolder()
	if err != nil {
		t.Fatal(err)
	}
	// It accepts nobody, as who was stopped. Its name is given to it when it listens,
	// as by listen: before that it is taken for stale.
	unnamed := filepath.Join(dir, ".slow-one")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: unnamed, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.SetUnlinkOnClose(false)
	path := filepath.Join(dir, "slow-one"+socketEnding)
	if err := os.Rename(unnamed, path); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	if other, err := hold("slow-one"); err == nil {
		other.end()
		t.Error("another has taken its name")
	}
	if _, err := Find("slow-one", false); err != nil {
		t.Error(err)
	}
}

// TestOthersSocket: a listener that ends leaves the socket that has its name by now.
func TestOthersSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	first, err := listen(path, nil, nobody)
	if err != nil {
		t.Fatal(err)
	}
	second, err := listen(path, nil, nobody)
	if err != nil {
		t.Fatal(err)
	}
	first.end()
	if !isListening(path) {
		t.Error("the socket of the second is gone")
	}
	second.end()
	if _, err := os.Lstat(path); err == nil {
		t.Error("the second left its socket")
	}
}

// TestNameTakenOnce: of many who begin a session of one name at once, one has it,
// also where a killed launcher left a socket of that name, and while somebody
// lists sessions.
func TestNameTakenOnce(t *testing.T) {
	// Not parallel, as TestStaleSession.
	const name, many = "one-of-many", 8
	for round := range 30 {
		var all sync.WaitGroup
		taken := make(chan *listener, many)
		for range many {
			all.Go(func() {
				if l, err := hold(name); err == nil {
					taken <- l
				} else if !strings.Contains(err.Error(), "one of that name") {
					t.Error(err)
				}
			})
			all.Go(func() {
				if _, err := Sessions(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		close(taken)
		if n := len(taken); n != 1 {
			t.Errorf("round %d: %d have the name", round, n)
		}
		if _, err := Find(name, false); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		for l := range taken {
			l.l.Close() // the socket stays for the next round
		}
	}
	if _, err := Sessions(); err != nil { // removes it
		t.Error(err)
	}
}
