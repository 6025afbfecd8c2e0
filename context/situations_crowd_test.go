package context_test

import (
	"context"
	"io"
	"runtime"
	"runtime/trace"
	"strconv"
	"sync"
	"testing"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

// misuse makes pairs of regions that no parser accepts: overlapping ones, and
// one that ends on another goroutine.
func misuse() {
	a := trace.StartRegion(context.Background(), "a")
	b := trace.StartRegion(context.Background(), "b")
	a.End()
	b.End()
	c := trace.StartRegion(context.Background(), "c")
	done := make(chan bool)
	go func() { c.End(); close(done) }()
	<-done
}

var _ = declare(map[string]func(){
	"regions before": func() {
		// They are seen when they are open across the scope's begin.
		var open []*trace.Region
		outer := profctx.Start("outer.prof")
		for range 3 {
			open = append(open, trace.StartRegion(context.Background(), "r"))
		}
		stop := profctx.Start("a.prof")
		for _, r := range open {
			r.End()
		}
		time.Sleep(20 * time.Millisecond)
		must(stop())
		must(outer())
		must(cprofile.Flush())
	},
	"regions without us before": func() {
		a := trace.StartRegion(context.Background(), "a") // no trace yet: nothing is recorded
		must(trace.Start(io.Discard))
		b := trace.StartRegion(context.Background(), "b")
		c := trace.StartRegion(context.Background(), "c")
		trace.Stop()
		stop := profctx.Start("a.prof")
		b.End()
		a.End()
		c.End()
		time.Sleep(20 * time.Millisecond)
		must(stop())
	},
	"regions during": func() {
		stop := profctx.Start("a.prof")
		for range 50 {
			misuse()
		}
		time.Sleep(20 * time.Millisecond)
		must(cprofile.Flush())
		for range 50 {
			misuse()
		}
		must(stop())
	},
	"GOMAXPROCS changes": func() {
		stop := profctx.Start("a.prof")
		for i := range 20 {
			runtime.GOMAXPROCS(1 + i%5)
			spin(2 * time.Millisecond)
		}
		must(stop())
	},
	"locked thread": func() {
		runtime.LockOSThread()
		stop := profctx.Start("a.prof")
		c := make(chan bool)
		for range 50 {
			go func() { runtime.LockOSThread(); time.Sleep(time.Millisecond); c <- true }() // its thread ends with it
			<-c
		}
		spin(50 * time.Millisecond)
		must(stop())
		runtime.UnlockOSThread()
	},
	"everything at once": func() {
		stop := profctx.Start("a.prof")
		end := time.Now().Add(700 * time.Millisecond)
		var wg sync.WaitGroup
		again := func(f func()) {
			wg.Go(func() {
				for time.Now().Before(end) {
					f()
				}
			})
		}
		p := cprofile.New("b.prof")
		again(func() { s := p.Start(); spin(100 * time.Microsecond); must(s.Stop()) })
		again(func() { must(profctx.Start("c.prof")()); time.Sleep(time.Millisecond) })
		again(func() { must(call("d-%n.prof")); time.Sleep(10 * time.Millisecond) })
		again(func() { must(cprofile.Flush()); time.Sleep(7 * time.Millisecond) })
		again(func() { time.Sleep(60 * time.Millisecond); trace.Stop() })
		again(func() {
			if trace.Start(io.Discard) == nil {
				time.Sleep(5 * time.Millisecond)
				trace.Stop()
			}
			time.Sleep(13 * time.Millisecond)
		})
		again(func() { misuse(); p.Stats(); time.Sleep(time.Millisecond) })
		wg.Wait()
		must(stop())
		must(cprofile.Flush())
	},
	"long beside short": func() {
		const long = 30 * time.Second
		stop := profctx.Start("long.prof")
		begin := time.Now() // starting the recording is no part of the scope
		for i := range 1000 {
			s := cprofile.New("short-" + strconv.Itoa(i%250) + ".prof").Start()
			time.Sleep(50 * time.Microsecond)
			must(s.Stop())
			time.Sleep(long / 2000)
		}
		time.Sleep(long - time.Since(begin))
		must(stop())
		must(cprofile.Flush())
	},
	// As a server's handler would: from several goroutines, and beside each
	// other, so that the recording stays up. What a file needed is forgotten
	// with it.
	"10,000 files by number": func() {
		keep := cprofile.New("n-%n.prof").Start() // the first
		p := cprofile.New("n-%n.prof")
		many := func(n int) {
			var wg sync.WaitGroup
			for range 9 {
				wg.Go(func() {
					for range n {
						must(p.Start().Stop())
					}
				})
			}
			wg.Wait()
			must(cprofile.Flush())
		}
		many(111)
		early := heap()
		many(1000)
		settled(early, 8<<20)
		must(keep.Stop())
		must(cprofile.Flush())
	},
	"1,000 at once": func() {
		var stops []func() error
		for i := range 1000 {
			stops = append(stops, profctx.Start("s-"+strconv.Itoa(i)+".txt"))
		}
		time.Sleep(20 * time.Millisecond)
		for _, stop := range stops {
			must(stop())
		}
		must(cprofile.Flush())
	},
})

func TestCrowd(t *testing.T) {
	t.Parallel()
	meetAll(t, []recorded{
		{"regions before", 20, 20, ""},
		{"regions without us before", 20, 20, ""},
		{"regions during", 20, 20, ""},
		{"GOMAXPROCS changes", 40, 0, ""},
		{"locked thread", 100, 0, ""},
		{"everything at once", 700, 0, "note:"},
	})
	t.Run("long beside short", func(t *testing.T) {
		t.Parallel()
		if testing.Short() {
			t.Skip("lasts 30 seconds: run without -short")
		}
		o := meetAtOnce(t, "long beside short", 0)
		p := o.profile(t, "long.prof")
		if p.DurationNanos < ms(30_000) {
			t.Errorf("elapsed %d ns", p.DurationNanos)
		}
		if n := len(o.names(t)); n != 251 {
			t.Errorf("%d files", n)
		}
		for i := range 250 {
			calls(t, o.profile(t, "short-"+strconv.Itoa(i)+".prof"), "4")
		}
	})
	t.Run("1,000 at once", func(t *testing.T) {
		t.Parallel()
		if testing.Short() {
			t.Skip("writes a thousand files: run without -short")
		}
		if n := len(meet(t, "1,000 at once", 0).names(t)); n != 1000 {
			t.Errorf("%d files", n)
		}
	})
	t.Run("10,000 files by number", func(t *testing.T) {
		t.Parallel()
		if testing.Short() {
			t.Skip("writes ten thousand files: run without -short")
		}
		o := meet(t, "10,000 files by number", 0)
		if n := len(o.names(t)); n != 10_000 {
			t.Errorf("%d files", n)
		}
		for _, n := range []string{"n-1.prof", "n-5000.prof", "n-10000.prof"} {
			calls(t, o.profile(t, n), "1")
		}
	})
}
