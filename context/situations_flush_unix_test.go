//go:build unix

package context_test

import (
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

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
				if i == 400 {
					die("no flush")
				}
			}
		}
		if len(mine) < 3 {
			die("the program saw %d signals", len(mine))
		}
		must(stop())
	},
	"abort": func() {
		profctx.Start("a.prof", cprofile.FlushOnSignal(syscall.SIGABRT))
		time.Sleep(10 * time.Millisecond)
		must(syscall.Kill(os.Getpid(), syscall.SIGABRT))
		time.Sleep(time.Minute)
	},
})

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

func TestAbort(t *testing.T) {
	t.Parallel()
	o := meet(t, "abort", 2) // as the runtime ends a program
	if !strings.Contains(o.stderr, "SIGABRT") {
		t.Errorf("no stacks: %s", o.stderr)
	}
	calls(t, o.profile(t, "a.prof"), "1")
}
