package context_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/trace"
	"strings"
	"testing"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

// wholeTrace dies unless b is a trace with something in it.
func wholeTrace(b []byte) {
	if !bytes.HasPrefix(b, []byte("go 1.")) || len(b) < 100 {
		die("the program's own trace is of %d bytes: %.20q", len(b), b)
	}
}

var _ = declare(map[string]func(){
	"tracer taken before": func() {
		var theirs bytes.Buffer
		must(trace.Start(&theirs))
		begin := time.Now()
		stop := profctx.Start("a.prof")
		time.Sleep(100 * time.Millisecond)
		must(stop())
		since := time.Since(begin)
		must(call("b.prof"))
		must(cprofile.Flush())
		trace.Stop()
		wholeTrace(theirs.Bytes())
		if since < 100*time.Millisecond {
			die("the sleep lasted %v", since)
		}
	},
	"tracer taken once": func() {
		must(trace.Start(io.Discard))
		must(call("during.prof"))
		trace.Stop()
		must(cprofile.Flush())
		must(call("after.prof"))
		must(cprofile.Flush())
	},
	"tracer given back": func() {
		// Theirs ends while our scope is open: from then on ours records.
		must(trace.Start(io.Discard))
		stop := profctx.Start("a.prof")
		time.Sleep(100 * time.Millisecond)
		trace.Stop()
		time.Sleep(300 * time.Millisecond)
		must(stop())
		must(cprofile.Flush())
	},
	"tracer taken during": func() {
		stop := profctx.Start("a.prof")
		time.Sleep(20 * time.Millisecond)
		if err := trace.Start(io.Discard); err == nil {
			die("the runtime gave the tracer twice")
		}
		time.Sleep(20 * time.Millisecond)
		must(stop())
	},
	"tracer taken after": func() {
		for i := range 4 {
			stop := profctx.Start("a.prof")
			time.Sleep(time.Duration(i) * 70 * time.Millisecond) // short and long
			must(stop())
			must(cprofile.Flush())
			var theirs bytes.Buffer
			must(trace.Start(&theirs))
			time.Sleep(5 * time.Millisecond)
			trace.Stop()
			wholeTrace(theirs.Bytes())
		}
	},
	"FlightRecorder beside": func() {
		fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: time.Second})
		must(fr.Start())
		stop := profctx.Start("a.prof")
		time.Sleep(100 * time.Millisecond)
		must(cprofile.Flush())
		var theirs bytes.Buffer
		_, err := fr.WriteTo(&theirs)
		must(err)
		must(stop())
		fr.Stop()
		wholeTrace(theirs.Bytes())
	},
	"both slots taken": func() {
		fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
		must(fr.Start())
		must(trace.Start(io.Discard))
		stop := profctx.Start("a.prof")
		time.Sleep(100 * time.Millisecond)
		must(stop())
		must(cprofile.Flush())
		fr.Stop()
		trace.Stop()
	},
	"the log opens a scope": func() {
		slog.SetDefault(slog.New(scopedLog{slog.NewTextHandler(os.Stderr, nil)}))
		fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
		must(fr.Start())
		must(trace.Start(io.Discard))
		stop := profctx.Start("a.prof") // which logs that neither is to be had
		time.Sleep(20 * time.Millisecond)
		must(stop())
	},
	"trace.Stop under us": func() {
		stop := profctx.Start("a.prof")
		time.Sleep(100 * time.Millisecond)
		trace.Stop()
		time.Sleep(400 * time.Millisecond)
		spin(50 * time.Millisecond)
		must(stop())
	},
	"trace.Stop and at once the end": func() {
		stop := profctx.Start("a.prof")
		time.Sleep(20 * time.Millisecond)
		trace.Stop()
		must(stop())
		must(cprofile.Flush())
	},
	"trace.Stop and Flush": func() {
		stop := profctx.Start("a.prof")
		time.Sleep(20 * time.Millisecond)
		trace.Stop()
		must(cprofile.Flush())
		time.Sleep(20 * time.Millisecond)
		must(stop())
	},
	"trace.Stop again and again": func() {
		stop := profctx.Start("a.prof")
		for range 20 {
			time.Sleep(15 * time.Millisecond)
			trace.Stop()
			must(call("b.prof"))
		}
		must(stop())
		must(cprofile.Flush())
	},
	"trace.Stop, then their trace.Start": func() {
		stop := profctx.Start("a.prof")
		time.Sleep(20 * time.Millisecond)
		var theirs bytes.Buffer
		takeTracer(&theirs)
		time.Sleep(200 * time.Millisecond)
		must(stop())
		must(cprofile.Flush())
		trace.Stop()
		wholeTrace(theirs.Bytes())
	},
	"their trace.Start, and asleep": func() {
		begin := time.Now()
		stop := profctx.Start("a.prof")
		time.Sleep(20 * time.Millisecond)
		takeTracer(io.Discard)
		slept := unseenNap()
		must(stop())
		fmt.Print(int64(time.Since(begin) - slept))
		must(cprofile.Flush())
		trace.Stop()
	},
	"begun in their trace": func() {
		outer := profctx.Start("outer.prof")
		takeTracer(io.Discard)
		begin := time.Now()
		stop := profctx.Start("a.prof")
		slept := unseenNap()
		must(stop())
		fmt.Print(int64(time.Since(begin) - slept))
		must(outer())
		must(cprofile.Flush())
		trace.Stop()
	},
})

// unseenNap sleeps in a trace that is not ours, and returns for how long.
func unseenNap() time.Duration {
	begin := time.Now()
	time.Sleep(400 * time.Millisecond)
	return time.Since(begin)
}

// TestUnknownStaysUnknown: what nobody saw is not booked to what was seen last.
func TestUnknownStaysUnknown(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"their trace.Start, and asleep", "begun in their trace"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := meet(t, name, 0)
			p := o.profile(t, "a.prof")
			calls(t, p, "1")
			var awake int64
			if _, err := fmt.Sscan(o.stdout, &awake); err != nil {
				t.Fatal(err)
			}
			running, unknown := wall(p, "state", "running"), wall(p, "state", "unknown")
			if running > awake+int64(slack) || unknown == 0 {
				t.Errorf("%v running, %v unknown, and awake for %v: %q", time.Duration(running), time.Duration(unknown), time.Duration(awake), p.Comments)
			}
		})
	}
}

// scopedLog is a log whose writing is profiled.
type scopedLog struct{ slog.Handler }

func (l scopedLog) Handle(ctx context.Context, r slog.Record) error {
	defer profctx.Start("log.prof")()
	return l.Handler.Handle(ctx, r)
}

// recorded is a situation and what its a.prof must hold.
type recorded struct {
	name    string
	atLeast int64 // milliseconds
	asleep  int64 // milliseconds known to be asleep, which a gap would hide
	note    string
}

func TestTracer(t *testing.T) {
	t.Parallel()
	meetAll(t, []recorded{
		{"tracer taken before", 100, 0, "note:"},
		{"tracer given back", 400, 0, "note:"},
		{"tracer taken during", 40, 40, ""},
		{"tracer taken after", 420, 420, ""},
		{"FlightRecorder beside", 100, 100, ""},
		{"both slots taken", 100, 0, "note:"},
		{"the log opens a scope", 20, 0, "note:"},
		{"trace.Stop under us", 550, 90, "note:"},
		{"trace.Stop and at once the end", 20, 0, ""},
		{"trace.Stop and Flush", 40, 0, ""},
		{"trace.Stop again and again", 300, 0, "note:"},
		{"trace.Stop, then their trace.Start", 220, 0, "note:"},
	})
}

// TestModeEnds has a recording beside the program's own trace and one after it:
// only the first was made in another way.
func TestModeEnds(t *testing.T) {
	t.Parallel()
	o := meet(t, "tracer taken once", 0)
	for name, want := range map[string]bool{"during.prof": true, "after.prof": false} {
		p := o.profile(t, name)
		if got := comment(p, "note: Another execution trace ran"); got != want {
			t.Errorf("%s: told of the trace: %v, want %v: %q", name, got, want, p.Comments)
		}
	}
}

func meetAll(t *testing.T, all []recorded) {
	for _, tt := range all {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := meet(t, tt.name, 0)
			p := o.profile(t, "a.prof")
			asleep := func() int64 { return wall(p, "reason", "sleep") }
			// A Sleep's time begins before its goroutine parks, which a busy machine can
			// put off; and it can make too much trace.
			for try := 1; try < 5 && asleep() < ms(tt.asleep); try++ {
				o = meet(t, tt.name, 0)
				p = o.profile(t, "a.prof")
			}
			if asleep() < ms(tt.asleep) && inSlices(p) {
				t.Skip("recorded in slices each time: run it again with fewer programs beside it")
			}
			if p.DurationNanos < ms(tt.atLeast) {
				t.Errorf("elapsed %d ns, want %d ms at least", p.DurationNanos, tt.atLeast)
			}
			if got := asleep(); got < ms(tt.asleep) {
				t.Errorf("asleep for %d ns, want %d ms at least: %q", got, tt.asleep, p.Comments)
			}
			if tt.note != "" && !comment(p, tt.note) {
				t.Errorf("no comment %q in %q", tt.note, p.Comments)
			}
			if unknown := wall(p, "state", "unknown"); tt.note == "" && tt.asleep > 0 && unknown > 0 {
				t.Errorf("unknown for %d ns", unknown)
			}
			if o.stdout+o.stderr != "" && !strings.Contains(o.stderr, "level=INFO") && !strings.Contains(o.stderr, "INFO profscope") && !strings.Contains(o.stderr, "WARN profscope") && !strings.Contains(o.stderr, "level=WARN msg=\"profscope") {
				t.Errorf("output %q, %q", o.stdout, o.stderr)
			}
		})
	}
}
