package context_test

import (
	"bytes"
	"io"
	"regexp"
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
	theirsTo(&b, f)
}

// theirsAfter is theirs where ours was stopped for it, and is back 250 ms later:
// where the machine gave us no time until then, it is stopped again.
func theirsAfter(stopped time.Time, f func()) {
	var b bytes.Buffer
	err := pprof.StartCPUProfile(&b)
	if err != nil && time.Since(stopped) > 200*time.Millisecond {
		pprof.StopCPUProfile()
		err = pprof.StartCPUProfile(&b)
	}
	must(err)
	theirsTo(&b, f)
}

// theirsTo ends after f the profile that goes to b.
func theirsTo(b *bytes.Buffer, f func()) {
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

// spinLong computes for 300 ms, and until it ran for 150 of them by its own
// clock, which tells where others had the CPU instead: two readings that follow
// each other are milliseconds apart. At 100 Hz this is 15 samples.
func spinLong() {
	var ran time.Duration
	begin := time.Now()
	for last := begin; ran < 150*time.Millisecond || last.Sub(begin) < 300*time.Millisecond; {
		spin(10 * time.Microsecond)
		now := time.Now()
		if step := now.Sub(last); step < 2*time.Millisecond {
			ran += step
		}
		last = now
	}
}

// stopping matches a goroutine that has stopped the CPU profile and waits until
// it is written.
var stopping = regexp.MustCompile(`\[chan receive[^\n]*\]:\nruntime/pprof\.StopCPUProfile`)

//go:noinline
func spinSampled(d time.Duration) { spin(d) }

var _ = declare(map[string]func(){
	"their profile before": func() {
		theirs(func() {
			spin(50 * time.Millisecond)
			stop := profctx.Start("a.prof")
			spinLong()
			must(stop())
			spin(50 * time.Millisecond)
		})
		theyGotSamples()
	},
	"their profile ends during": func() {
		var stop func() error
		theirs(func() {
			stop = profctx.Start("a.prof")
			spinLong()
		})
		time.Sleep(100 * time.Millisecond)
		theirs(func() { spin(100 * time.Millisecond) }) // we must not have taken it
		must(stop())
		theyGotSamples()
	},
	"their profile during": func() {
		stop := profctx.Start("a.prof")
		samplesReturn() // ours has begun
		if pprof.StartCPUProfile(io.Discard) == nil {
			die("the runtime gave the CPU profiler twice")
		}
		spinLong()
		must(stop())
	},
	"their profile during, without our samples": func() {
		stop := profctx.Start("a.prof", cprofile.Samples(false))
		time.Sleep(20 * time.Millisecond)
		theirs(func() { spinLong() })
		must(stop())
		theyGotSamples()
	},
	"their profile after": func() {
		stop := profctx.Start("a.prof")
		spinLong()
		must(stop())
		must(cprofile.Flush())
		// Ours is ended after stop has returned, within milliseconds.
		await("the CPU profiler", func() bool { return pprof.StartCPUProfile(io.Discard) == nil })
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
		await("StopCPUProfile to wait for the reader", func() bool { return stopping.MatchString(stacks()) })
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
		stopped := time.Now()
		pprof.StopCPUProfile()
		_ = pprof.StartCPUProfile(io.Discard) // refused where the machine gave us no time since: then ours is back,
		pprof.StopCPUProfile()                // and stopped again
		theirsAfter(stopped, func() { spin(200 * time.Millisecond) })
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
