package context_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/trace"
	"slices"
	"strings"
	"testing"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

// A worker is a goroutine older than any scope, which does what it is given.
type worker struct {
	jobs chan func()
	done chan bool
}

func newWorker() worker {
	w := worker{make(chan func()), make(chan bool)}
	go func() {
		for f := range w.jobs {
			f()
			w.done <- true
		}
	}()
	return w
}

func (w worker) do(f func()) {
	w.jobs <- f
	<-w.done
}

// joinWhile joins ctx's scope while f runs, and prints the least and the most
// that this can have lasted. f may leave itself: leaving is no part of the
// least, for where it finds the trace ended it starts another.
func joinWhile(ctx context.Context, f func(leave func())) {
	before := time.Now()
	leave := profctx.Join(ctx)
	begin := time.Now()
	var inner time.Duration
	leaveNow := func() {
		if inner == 0 {
			inner = time.Since(begin)
		}
		leave()
	}
	f(leaveNow)
	leaveNow()
	fmt.Println(int64(inner), int64(time.Since(before)))
}

// takeTracer ends our trace and begins theirs, whose bytes go to w. Where the
// machine was busy in between, the keeper has noticed the end and ours runs
// again: then once more. A trace.Start that is refused writes nothing.
func takeTracer(w io.Writer) {
	await("the tracer", func() bool {
		trace.Stop()
		return trace.Start(w) == nil
	})
}

// unseen has f do in somebody else's trace what the keeper must not see begin,
// and tell how long that and opening the scope took. At its second tick, after
// 100 ms, the keeper knows of that trace: f is tried again, in files of other
// names, until it is faster, and those files then lose the ending of their names.
func unseen(f func(ending string) time.Duration) {
	for begin, try := time.Now(), 0; time.Since(begin) < time.Minute; try++ {
		ending := fmt.Sprintf("-%d.prof", try)
		lasted := f(ending)
		must(cprofile.Flush())
		if lasted > 80*time.Millisecond {
			continue
		}
		files, err := filepath.Glob("*" + ending)
		must(err)
		for _, file := range files {
			must(os.Rename(file, strings.TrimSuffix(file, ending)+".prof"))
		}
		return
	}
	die("for a minute this machine was too busy")
}

func asleepFor(d time.Duration) func(func()) {
	return func(func()) { time.Sleep(d) }
}

var _ = declare(map[string]func(){
	"Join right after trace.Stop": func() {
		w := newWorker()
		ctx, stop := profctx.With(context.Background(), "a.prof")
		trace.Stop()
		w.do(func() { joinWhile(ctx, asleepFor(100*time.Millisecond)) })
		must(stop())
	},
	"leave right after trace.Stop": func() {
		w := newWorker()
		ctx, stop := profctx.With(context.Background(), "a.prof")
		w.do(func() {
			joinWhile(ctx, func(leave func()) {
				time.Sleep(100 * time.Millisecond)
				trace.Stop()
				leave()
			})
		})
		time.Sleep(100 * time.Millisecond)
		must(stop())
	},
	"Join without any tracer": func() {
		fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
		must(fr.Start())
		must(trace.Start(io.Discard))
		w := newWorker()
		ctx, stop := profctx.With(context.Background(), "a.prof")
		w.do(func() { joinWhile(ctx, asleepFor(100*time.Millisecond)) })
		time.Sleep(100 * time.Millisecond)
		must(stop())
		fr.Stop()
		trace.Stop()
	},
	"joined across trace.Stop": func() {
		// The worker joins where no trace shows it and stays: the next trace
		// finds it a member.
		w := newWorker()
		fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
		must(fr.Start())
		must(trace.Start(io.Discard))
		ctx, stop := profctx.With(context.Background(), "a.prof")
		w.do(func() {
			joinWhile(ctx, func(func()) {
				trace.Stop()
				fr.Stop()
				p := cprofile.New("a.prof")
				await("the worker to be seen asleep", func() bool {
					return p.Stats().Joined.Blocked > 50*time.Millisecond
				})
			})
		})
		must(stop())
	},
	"their trace.Start is noticed": func() {
		stop := profctx.Start("a.prof")
		time.Sleep(20 * time.Millisecond)
		var theirs bytes.Buffer
		takeTracer(&theirs)
		p := cprofile.New("a.prof")
		before := p.Stats().Blocked
		await("the recording to go on beside theirs", func() bool {
			return p.Stats().Blocked > before+100*time.Millisecond
		})
		trace.Stop()
		must(stop())
		wholeTrace(theirs.Bytes())
	},
	"Join into their trace": func() {
		w := newWorker()
		unseen(func(ending string) time.Duration {
			begin := time.Now()
			ctx, stop := profctx.With(context.Background(), "a"+ending)
			takeTracer(io.Discard)
			release := make(chan bool)
			left := make(chan bool)
			w.do(func() {
				leave := profctx.Join(ctx)
				go func() { <-release; leave(); close(left) }()
			})
			lasted := time.Since(begin)
			trace.Stop() // that ours is lost is noticed now at the latest
			p := cprofile.New("a" + ending)
			before := p.Stats().Blocked
			await("the recording to go on", func() bool { return p.Stats().Blocked > before+50*time.Millisecond })
			close(release)
			<-left
			must(stop())
			return lasted
		})
		fmt.Println(0, 0)
	},
})

var _ = declare(map[string]func(){
	"calls in their trace": func() {
		unseen(func(ending string) time.Duration {
			begin := time.Now()
			stop := profctx.Start("a" + ending)
			takeTracer(io.Discard)
			for range 5 {
				must(call("b" + ending))
			}
			lasted := time.Since(begin)
			trace.Stop()
			p := cprofile.New("a" + ending)
			before := p.Stats().Blocked
			await("the recording to go on", func() bool { return p.Stats().Blocked > before+50*time.Millisecond })
			must(call("c" + ending))
			must(stop())
			return lasted
		})
	},
})

// TestMissingCallsAreTold has calls whose marks went into somebody else's
// trace: nothing is known of them, and the file says so.
func TestMissingCallsAreTold(t *testing.T) {
	t.Parallel()
	o := meet(t, "calls in their trace", 0)
	b := o.profile(t, "b.prof")
	if !comment(b, "note: 5 calls are missing") {
		t.Errorf("not told: %q", b.Comments)
	}
	for _, name := range []string{"a.prof", "c.prof"} {
		if p := o.profile(t, name); slices.ContainsFunc(p.Comments, func(c string) bool { return strings.Contains(c, "missing") }) {
			t.Errorf("%s misses nothing: %q", name, p.Comments)
		}
	}
}

// await waits for something that takes a few seconds, and dies after a minute.
func await(what string, ok func() bool) {
	for begin := time.Now(); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			die("waited a minute for %s", what)
		}
	}
}

// TestJoinInGaps joins where no trace shows it: the time counts all the same,
// as unknown if need be, and what cannot count is told.
func TestJoinInGaps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		note string
	}{
		{"Join right after trace.Stop", "note:"},
		{"leave right after trace.Stop", "note:"},
		{"Join without any tracer", "note:"},
		{"joined across trace.Stop", "note:"},
		{"Join into their trace", "note: A goroutine joined"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := meet(t, tt.name, 0)
			p := o.profile(t, "a.prof")
			var least, most int64
			if _, err := fmt.Sscan(o.stdout, &least, &most); err != nil {
				t.Fatal(err)
			}
			between(t, "joined", time.Duration(wall(p, "role", "joined")), time.Duration(least), time.Duration(most))
			if !comment(p, tt.note) {
				t.Errorf("no comment %q in %q", tt.note, p.Comments)
			}
		})
	}
}

func TestTheirTraceIsNoticed(t *testing.T) {
	t.Parallel()
	o := meet(t, "their trace.Start is noticed", 0)
	p := o.profile(t, "a.prof")
	if got := wall(p, "state", "blocked"); got < ms(100) {
		t.Errorf("blocked for %d ns: %q", got, p.Comments)
	}
	if !comment(p, "note: Somebody else ended") {
		t.Errorf("not told: %q", p.Comments)
	}
	if strings.Contains(o.stderr, "ERROR") {
		t.Errorf("stderr %q", o.stderr)
	}
}
