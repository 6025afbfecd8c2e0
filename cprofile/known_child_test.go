package cprofile_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/profscope/profscope/cprofile"
)

// inChild runs the calling test once more, in a process of its own with the
// environment given, and reports whether this is that process. It is for what
// would disturb all other tests.
func inChild(t *testing.T, env ...string) bool {
	t.Helper()
	const name = "PROFSCOPE_TEST_CHILD"
	if os.Getenv(name) == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(append(os.Environ(), name+"="+t.Name()), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("child: %v\n%s", err, out)
	}
	return false
}

// TestOneProcessor lets two goroutines compete for one P. While the other one
// runs, as its own clock says, ours can only be runnable.
func TestOneProcessor(t *testing.T) {
	t.Parallel()
	if !inChild(t, "GOMAXPROCS=1") {
		return
	}
	const turn = 30 * time.Millisecond
	var ran time.Duration
	k := measure(t, func(*cprofile.Profile) {
		ready := make(chan bool)
		done := make(chan bool)
		go compete(turn, &ran, ready, done)
		<-ready
		for !isClosed(done) {
		}
	})
	if k.Runnable < turn/2 {
		t.Errorf("runnable for %v while the other goroutine ran for %v", k.Runnable, ran)
	}
	if all := k.Running + k.Spawned.Running; all > k.Elapsed {
		t.Errorf("one P ran for %v of %v", all, k.Elapsed)
	}
	// The two overlap: what one runs is what the other waits for.
	if k.Spawned.Running < turn/2 || k.Spawned.Running > k.Runnable+k.Blocked+slack {
		t.Errorf("the other ran for %v, ours was runnable for %v and blocked for %v", k.Spawned.Running, k.Runnable, k.Blocked)
	}
}

// compete runs until it has had d by its own clock, where a gap of a
// millisecond between two readings is time that it did not run.
func compete(d time.Duration, ran *time.Duration, ready, done chan bool) {
	close(ready)
	for last := time.Now(); *ran < d; {
		now := time.Now()
		if step := now.Sub(last); step < time.Millisecond {
			*ran += step
		}
		last = now
	}
	close(done)
}

func isClosed(c chan bool) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestGCAssist allocates until the collector has made this program assist, and
// finds that time apart from other running time.
func TestGCAssist(t *testing.T) {
	t.Parallel()
	if !inChild(t, "GOGC=5", "GOMAXPROCS=2") {
		return
	}
	var measured time.Duration
	deadline := time.Now().Add(40 * time.Second) // of all tries: the child has 60
	k := whole(t, func() known {                 // so much collecting can be too much for the recording
		measured = 0
		return measureAssist(t, &measured, deadline)
	})
	if measured == 0 {
		t.Skip("the collector made nobody assist this time: run it again with fewer programs beside it")
	}
	got := k.wall(where{role: "self", state: "running", reason: "GC mark assist"})
	// The metric is CPU time of all goroutines, of which ours is the one that
	// allocates; the trace has the time that ours held a P meanwhile.
	if got < measured/2 || got > k.Running {
		t.Errorf("assisted for %v of %v running, the runtime says %v", got, k.Running, measured)
	}
}

// measureAssist is a scope that lasts until it has assisted the collector, or
// until the deadline.
func measureAssist(t *testing.T, measured *time.Duration, deadline time.Time) known {
	return measure(t, func(*cprofile.Profile) {
		before := assisted()
		for *measured < 50*time.Millisecond && time.Now().Before(deadline) {
			allocate()
			runtime.GC() // the metric is brought up to date at a cycle's end
			*measured = assisted() - before
		}
	})
}

func assisted() time.Duration {
	s := []metrics.Sample{{Name: "/cpu/classes/gc/mark/assist:cpu-seconds"}}
	metrics.Read(s)
	return time.Duration(s[0].Value.Float64() * float64(time.Second))
}

type chain struct {
	last *chain
	text string
}

var kept []*chain

//go:noinline
func allocate() {
	kept = nil
	for i := range 200_000 {
		n := &chain{text: fmt.Sprint(i)}
		if len(kept) > 0 {
			n.last = kept[len(kept)-1]
		}
		kept = append(kept, n)
	}
}
