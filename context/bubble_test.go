package context_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

// bubbleEnv names what a child of this test binary does in a bubble: the runtime
// ends a program for what is not allowed there.
const bubbleEnv = "PROFSCOPE_TEST_BUBBLE"

var bubbles = map[string]func(t *testing.T){
	// Nothing is recorded, and each end says so.
	"begin": func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for range 3 {
				stop := profctx.Start("a.prof")
				time.Sleep(time.Hour)
				wantError(stop(), "synctest")
			}
			wantError(cprofile.Flush(), "synctest")
		})
		must(call("a.prof"))
		must(cprofile.Flush())
	},
	// All that a scope does, in a recording that has begun outside.
	"all": func(t *testing.T) {
		h := cprofile.New("a.prof")
		outer := h.Start()
		time.Sleep(20 * time.Millisecond)
		synctest.Test(t, func(t *testing.T) {
			for range 3 {
				ctx, stop := profctx.With(t.Context(), "a.prof")
				done := make(chan bool)
				go func() { defer close(done); defer profctx.Join(ctx)(); time.Sleep(time.Minute) }()
				<-done
				h.Stats()
				wantError(cprofile.Flush(), "synctest")
				must(stop())
			}
		})
		must(outer.Stop())
		must(cprofile.Flush())
		if got := h.Stats().Calls; got != 4 {
			die("%d calls, want 4", got)
		}
	},
	// The recording's last scope, and those of a .trace, end in the bubble.
	"last": func(t *testing.T) {
		stop := profctx.Start("a.prof")
		synctest.Test(t, func(t *testing.T) {
			must(profctx.Start("b.trace", cprofile.Samples(false))())
			must(stop())
		})
		await("the file", func() bool { _, err := os.Stat("a.prof"); return err == nil })
		must(cprofile.Flush())
	},
}

func TestBubbleChild(t *testing.T) {
	name := os.Getenv(bubbleEnv)
	if name == "" {
		t.Skip("a child of TestBubble")
	}
	bubbles[name](t)
}

// TestBubble: a test in a bubble of testing/synctest is not ended by us.
func TestBubble(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int{"begin": 1, "all": 4, "last": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			children <- struct{}{}
			defer func() { <-children }()
			exe, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestBubbleChild$", "-test.timeout=1m")
			cmd.Dir, cmd.Env = dir, append(os.Environ(), bubbleEnv+"="+name)
			if out, err := cmd.CombinedOutput(); err != nil {
				if len(out) > 1000 {
					out = out[:1000]
				}
				t.Fatalf("%v\n%s", err, out)
			}
			b, err := os.ReadFile(filepath.Join(dir, "a.prof"))
			if err != nil {
				t.Fatal(err)
			}
			calls(t, parse(t, strings.TrimSpace(name), b), fmt.Sprint(n))
		})
	}
}
