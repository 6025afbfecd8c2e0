//go:build unix

package context_test

import (
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

// stalled makes stdout a pipe that is full and that nobody reads.
func stalled() {
	_, w, err := os.Pipe()
	must(err)
	must(w.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)))
	for b := make([]byte, 4096); err == nil; {
		_, err = w.Write(b)
	}
	must(w.SetWriteDeadline(time.Time{}))
	os.Stdout = w
}

var _ = declare(map[string]func(){
	"flush beside a finished profile": func() {
		must(call("finished.prof"))
		must(cprofile.Flush())
		must(os.Rename("finished.prof", "kept.prof"))
		stop := profctx.Start("open.prof")
		must(cprofile.Flush())
		if _, err := os.Stat("open.prof"); err != nil {
			die("the open scope is not written: %v", err)
		}
		must(stop())
		must(cprofile.Flush())
	},
	"each signal flushes": func() {
		// A program that goes on after it.
		mine := make(chan os.Signal, 1000)
		signal.Notify(mine, syscall.SIGHUP)
		stop := profctx.Start("a.prof", cprofile.FlushOnSignal(syscall.SIGHUP))
		for range 3 {
			_ = os.Remove("a.prof")
			for i := 0; ; i++ {
				must(syscall.Kill(os.Getpid(), syscall.SIGHUP))
				time.Sleep(50 * time.Millisecond)
				if _, err := os.Stat("a.prof"); err == nil {
					break
				}
				if i == 1200 { // a minute
					die("no flush")
				}
			}
		}
		if len(mine) < 3 {
			die("the program saw %d signals", len(mine))
		}
		must(stop())
	},
	"a signal that is ignored": func() {
		signal.Ignore(syscall.SIGTERM)
		stop := profctx.Start("a.prof", cprofile.FlushOnSignal(syscall.SIGTERM))
		must(syscall.Kill(os.Getpid(), syscall.SIGTERM))
		await("the flush", func() bool { _, err := os.Stat("a.prof"); return err == nil })
		time.Sleep(300 * time.Millisecond)
		must(stop())
	},
	// Somebody pages through the program's output, and the pager is full.
	"stdout is not read": func() {
		stalled()
		stopTable, ending := profctx.Start(""), make(chan bool)
		go func() { close(ending); _ = stopTable() }()
		<-ending
		time.Sleep(100 * time.Millisecond)
		done := make(chan error)
		go func() {
			for range 2 { // those beyond may be written later
				stop := profctx.Start("a.prof")
				time.Sleep(10 * time.Millisecond)
				if err := stop(); err != nil {
					done <- err
				}
			}
			close(done)
		}()
		select {
		case err := <-done:
			must(err)
		case <-time.After(30 * time.Second):
			die("a scope waits for the reader of another one's table")
		}
	},
	"all calls have ended": func() {
		p := cprofile.New("a.prof")
		outer := profctx.Start("outer.prof")
		must(p.Start().Stop())
		await("the keeper to write", saysUnfinished)
		must(outer())
		must(cprofile.Flush())
	},
	"taken away before the end": func() {
		p := cprofile.New("a.prof")
		outer := profctx.Start("outer.prof")
		must(p.Start().Stop())
		await("the keeper to write", saysUnfinished)
		must(os.Rename("a.prof", "mine.prof"))
		must(outer())
		must(cprofile.Flush())
	},
	"abort": func() {
		profctx.Start("a.prof", cprofile.FlushOnSignal(syscall.SIGABRT))
		time.Sleep(10 * time.Millisecond)
		must(syscall.Kill(os.Getpid(), syscall.SIGABRT))
		time.Sleep(time.Minute)
	},
})

func saysUnfinished() bool {
	b, err := os.ReadFile("a.prof")
	if err != nil {
		return false
	}
	p, err := profile.ParseData(b)
	return err == nil && comment(p, "unfinished: ")
}

func TestFlushBesideFinished(t *testing.T) {
	t.Parallel()
	o := meet(t, "flush beside a finished profile", 0)
	if got := strings.Join(o.names(t), " "); got != "kept.prof open.prof" {
		t.Errorf("the files are %s", got)
	}
}

func TestEachSignalFlushes(t *testing.T) {
	t.Parallel()
	calls(t, meet(t, "each signal flushes", 0).profile(t, "a.prof"), "1")
}

func TestIgnoredSignal(t *testing.T) {
	t.Parallel()
	calls(t, meet(t, "a signal that is ignored", 0).profile(t, "a.prof"), "1")
}

func TestStdoutIsNotRead(t *testing.T) {
	t.Parallel()
	calls(t, meet(t, "stdout is not read", 0).profile(t, "a.prof"), "2")
}

// TestFinished: what the keeper wrote while a recording went on says so until the
// next write, which must come though no call has.
func TestFinished(t *testing.T) {
	t.Parallel()
	p := meet(t, "all calls have ended", 0).profile(t, "a.prof")
	calls(t, p, "1")
	if comment(p, "unfinished: ") {
		t.Errorf("it is said to be unfinished: %q", p.Comments)
	}
}

// TestTakenAway: no file comes back only to say that it is finished.
func TestTakenAway(t *testing.T) {
	t.Parallel()
	if got := strings.Join(meet(t, "taken away before the end", 0).names(t), " "); got != "mine.prof outer.prof" {
		t.Errorf("the files are %s", got)
	}
}

func TestAbort(t *testing.T) {
	t.Parallel()
	o := meet(t, "abort", 2) // as the runtime ends a program
	if !strings.Contains(o.stderr, "SIGABRT") {
		t.Errorf("no stacks: %s", o.stderr)
	}
	calls(t, o.profile(t, "a.prof"), "1")
}
