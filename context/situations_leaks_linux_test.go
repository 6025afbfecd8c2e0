package context_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/trace"
	"testing"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

// held is what a process has open: goroutines and descriptors.
func held() (goroutines, descriptors int) {
	es, err := os.ReadDir("/proc/self/fd")
	must(err)
	return runtime.NumGoroutine(), len(es)
}

var _ = declare(map[string]func(){
	"a handle a call": func() {
		outer := profctx.Start("outer.prof")
		many := func() {
			for range 8000 {
				must(cprofile.New("a.prof").Start().Stop())
				must(profctx.Start("a.prof")())
				cprofile.Func("b.prof", func() {})()
			}
			must(cprofile.Flush())
		}
		many()
		early := heap()
		many()
		settled(early, 5<<20) // a slot each would be 10 MB
		must(outer())
	},
	"a hundred recordings": func() {
		everything := func(i int) {
			ctx, stop := profctx.With(context.Background(), fmt.Sprintf("%d.prof", i), cprofile.Also(fmt.Sprintf("%d.trace", i)),
				cprofile.OnCall(func(cprofile.Stats) {}))
			done := make(chan bool)
			go func() { defer profctx.Join(ctx)(); close(done) }()
			<-done
			if i%10 == 3 {
				trace.Stop() // under us
			}
			if i%10 == 6 {
				_ = trace.Start(io.Discard) // refused, or after the one above ours
			}
			// Our trace was ended under us. If a tick of the recorder fell in
			// between, the scope went on in another recording, and says so.
			if err := stop(); err != nil && i%10 == 3 {
				wantError(err, ".trace", "last part")
			} else {
				must(err)
			}
			_ = call("/dev/full", cprofile.OnError(func(error) {}))
			_ = call("no/such%q", cprofile.OnError(func(error) {}))
			must(profctx.Start(fmt.Sprintf("c-%d-%%n.trace", i))())
		}
		everything(0) // what the runtime opens once: the poller, for one
		_ = cprofile.Flush()
		goroutines, descriptors := held()
		for i := range 100 {
			everything(1 + i)
		}
		_ = cprofile.Flush()
		await("goroutines and descriptors to go", func() bool {
			g, d := held()
			return g <= goroutines && d <= descriptors
		})
		time.Sleep(200 * time.Millisecond) // nothing comes after
		if g, d := held(); g > goroutines || d > descriptors {
			buf := make([]byte, 1<<16)
			die("%d goroutines and %d descriptors, at first %d and %d:\n%s", g, d, goroutines, descriptors, buf[:runtime.Stack(buf, true)])
		}
	},
})

// TestLeavesNothing has a hundred recordings one after the other, with all
// that can go wrong.
func TestLeavesNothing(t *testing.T) {
	t.Parallel()
	o := meet(t, "a hundred recordings", 0)
	o.profile(t, "100.prof")
	o = meet(t, "a handle a call", 0)
	calls(t, o.profile(t, "a.prof"), "32000")
	calls(t, o.profile(t, "b.prof"), "16000")
}
