package context_test

import (
	"bytes"
	"io"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

// theirSamples counts what the program's own profiles got in all: one short
// one may get none on a busy machine.
var theirSamples int

// theirs takes the program's own CPU profile while f runs; dies if it is
// refused, or is not whole.
func theirs(f func()) {
	var b bytes.Buffer
	must(pprof.StartCPUProfile(&b))
	f()
	pprof.StopCPUProfile()
	p, err := profile.ParseData(b.Bytes())
	must(err)
	must(p.CheckValid())
	theirSamples += len(p.Sample)
}

func theyGotSamples() {
	for i := 0; theirSamples == 0 && i < 100; i++ { // the machine had no time for us so far
		theirs(func() { spin(100 * time.Millisecond) })
	}
	if theirSamples == 0 {
		die("the program's own profiles are empty")
	}
}

// samplesReturn computes in spinSampled until there are new samples of it.
func samplesReturn() {
	h := cprofile.New("a.prof")
	before := h.Stats().CPU
	await("CPU samples", func() bool {
		spinSampled(100 * time.Millisecond)
		return h.Stats().CPU > before+200*time.Millisecond
	})
}

//go:noinline
func spinSampled(d time.Duration) { spin(d) }

var _ = declare(map[string]func(){
	"their profile before": func() {
		theirs(func() {
			spin(50 * time.Millisecond)
			stop := profctx.Start("a.prof")
			spin(300 * time.Millisecond)
			must(stop())
			spin(50 * time.Millisecond)
		})
		theyGotSamples()
	},
	"their profile ends during": func() {
		var stop func() error
		theirs(func() {
			stop = profctx.Start("a.prof")
			spin(300 * time.Millisecond)
		})
		time.Sleep(100 * time.Millisecond)
		theirs(func() { spin(100 * time.Millisecond) }) // we must not have taken it
		must(stop())
		theyGotSamples()
	},
	"their profile during": func() {
		stop := profctx.Start("a.prof")
		time.Sleep(20 * time.Millisecond)
		if pprof.StartCPUProfile(io.Discard) == nil {
			die("the runtime gave the CPU profiler twice")
		}
		spin(300 * time.Millisecond)
		must(stop())
	},
	"their profile during, without our samples": func() {
		stop := profctx.Start("a.prof", cprofile.Samples(false))
		time.Sleep(20 * time.Millisecond)
		theirs(func() { spin(300 * time.Millisecond) })
		must(stop())
		theyGotSamples()
	},
	"their profile after": func() {
		stop := profctx.Start("a.prof")
		spin(300 * time.Millisecond)
		must(stop())
		must(cprofile.Flush())
		// Ours is ended after stop has returned, within milliseconds.
		for i := 0; pprof.StartCPUProfile(io.Discard) != nil; i++ {
			if i == 500 {
				die("the CPU profiler is still taken")
			}
			time.Sleep(10 * time.Millisecond)
		}
		pprof.StopCPUProfile()
		theirs(func() { spin(100 * time.Millisecond) })
		theyGotSamples()
	},
	"cycles": func() {
		var stop func() error
		for i := range 12 {
			theirs(func() {
				if i == 0 {
					stop = profctx.Start("a.prof")
				}
				must(call("b.prof"))
				spin(100 * time.Millisecond)
			})
			time.Sleep(5 * time.Millisecond)
			must(call("b.prof")) // a scope in the gap must not take it either
		}
		must(stop())
		must(cprofile.Flush())
		theyGotSamples()
	},
	"cycles that began before": func() {
		// Between two recordings too: nothing is open in most gaps.
		for i := range 6 {
			theirs(func() {
				stop := profctx.Start("a.prof")
				spin(150 * time.Millisecond)
				must(stop())
			})
			if i%2 == 0 {
				time.Sleep(5 * time.Millisecond)
			} else {
				must(call("a.prof"))
			}
		}
		must(cprofile.Flush())
		theyGotSamples()
	},
	// While a profile that was stopped is written, runtime/pprof lets nobody begin
	// another, and its reader may take for ever.
	"their profile is not read": func() {
		r, w := io.Pipe()
		must(pprof.StartCPUProfile(w))
		spin(200 * time.Millisecond)
		go pprof.StopCPUProfile()
		time.Sleep(50 * time.Millisecond)
		for range 3 {
			must(call("b.prof"))
		}
		stop := profctx.Start("a.prof")
		must(cprofile.Flush())
		go func() { _, _ = io.Copy(io.Discard, r) }()
		samplesReturn()
		must(stop())
	},
	"StopCPUProfile by mistake": func() {
		stop := profctx.Start("a.prof")
		spin(200 * time.Millisecond)
		pprof.StopCPUProfile()
		samplesReturn()
		must(stop())
	},
	"StopCPUProfile for theirs": func() {
		stop := profctx.Start("a.prof")
		spin(200 * time.Millisecond)
		pprof.StopCPUProfile()
		_ = pprof.StartCPUProfile(io.Discard) // refused where the machine gave us no time since: then ours is back,
		pprof.StopCPUProfile()                // and stopped again
		theirs(func() { spin(200 * time.Millisecond) })
		must(stop())
		must(cprofile.Flush())
		theirs(func() { spin(100 * time.Millisecond) })
		theyGotSamples()
	},
	"StopCPUProfile again": func() {
		stop := profctx.Start("a.prof")
		spin(200 * time.Millisecond)
		pprof.StopCPUProfile()
		samplesReturn()
		if pprof.StartCPUProfile(io.Discard) == nil {
			die("ours runs, and the runtime gave the CPU profiler")
		}
		pprof.StopCPUProfile() // as one does who has not looked at the error
		spin(500 * time.Millisecond)
		theirs(func() { spin(200 * time.Millisecond) })
		must(stop())
		theyGotSamples()
	},
})

func TestCPUProfile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"their profile before",
		"their profile ends during",
		"their profile during",
		"their profile during, without our samples",
		"their profile after",
		"cycles",
		"cycles that began before",
		"their profile is not read",
		"StopCPUProfile by mistake",
		"StopCPUProfile for theirs",
		"StopCPUProfile again",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := meet(t, name, 0)
			p := o.profile(t, "a.prof")
			if value(p, "samples", "", "") == 0 || value(p, "cpu", "", "") == 0 || !hasFunction(p, ".spin") {
				t.Errorf("no samples: %q", p.Comments)
			}
			if strings.HasPrefix(name, "StopCPUProfile") && !comment(p, "note: Somebody else stopped the CPU profile") {
				t.Errorf("not told: %q", p.Comments)
			}
			if strings.Contains(o.stderr, "ERROR") || o.stdout != "" {
				t.Errorf("output %q, %q", o.stdout, o.stderr)
			}
		})
	}
}
