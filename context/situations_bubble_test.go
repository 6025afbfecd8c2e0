package context_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

// The runtime ends a program for what is not allowed in a bubble of
// testing/synctest: each of these is a process of its own, as all situations are.
var _ = declare(map[string]func(){
	// Nothing is recorded, and each end says so.
	"begun in a bubble": func() {
		synctest.Test(situationT, func(t *testing.T) {
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
	// A scope that was refused does not count among those of a .trace.
	"a trace refused in a bubble": func() {
		synctest.Test(situationT, func(t *testing.T) {
			wantError(profctx.Start("a.trace", cprofile.Also("a.prof"))(), "synctest")
		})
		must(profctx.Start("a.trace", cprofile.Also("a.prof"))())
		must(cprofile.Flush())
	},
	// All that a scope does, in a recording that has begun outside.
	"a recording around a bubble": func() {
		h := cprofile.New("a.prof")
		outer := h.Start()
		time.Sleep(20 * time.Millisecond)
		synctest.Test(situationT, func(t *testing.T) {
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
	"ended in a bubble": func() {
		stop := profctx.Start("a.prof")
		synctest.Test(situationT, func(t *testing.T) {
			must(profctx.Start("b.trace", cprofile.Samples(false))())
			must(stop())
		})
		await("the file", func() bool { _, err := os.Stat("a.prof"); return err == nil })
		must(cprofile.Flush())
	},
})

// TestBubble: a test in a bubble is not ended by us.
func TestBubble(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]string{
		"begun in a bubble": "1", "a trace refused in a bubble": "1", "a recording around a bubble": "4", "ended in a bubble": "1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls(t, meet(t, name, 0).profile(t, "a.prof"), n)
		})
	}
}
