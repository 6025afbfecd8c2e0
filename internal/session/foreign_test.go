package session

import (
	"context"
	"io"
	"path/filepath"
	"runtime/trace"
	"testing"
	"time"
)

// What somebody else does with the tracer, seen from inside. The situations of
// package context have the same from a program's side.

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// await waits for ok, a minute at most.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for begin := time.Now(); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

// locked is f with the recorder's lock held.
func locked[T any](f func() T) T {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return f()
}

//go:noinline
func spin(d time.Duration) {
	for begin := nanotime(); nanotime()-begin < int64(d); {
	}
}

// TestLendWhileKeepingUp: a recording that takes the FlightRecorder holds the
// recorder's lock, and whoever gets it back does not ask for that.
func TestLendWhileKeepingUp(t *testing.T) {
	var k keptRing
	done := make(chan bool)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	go func() {
		defer close(done)
		k.age = time.Second
		k.lend()
		k.regain()
		if k.fr != nil {
			t.Error("taken back while it is lent")
		}
		k.giveBack()
		k.regain()
		if k.fr == nil {
			t.Error("not taken back")
		}
		k.lend()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("stuck")
	}
}

// TestSamplingEnds: goroutines are sampled only as long as no trace is to be had.
func TestSamplingEnds(t *testing.T) {
	fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	must(t, fr.Start())
	must(t, trace.Start(io.Discard))
	d := Open(filepath.Join(t.TempDir(), "a.prof"))
	sc := d.Begin()
	await(t, "samples", func() bool { return d.Stats().Process.Total() > 0 })
	fr.Stop()
	trace.Stop()
	await(t, "the tracer", func() bool { return locked(func() bool { return rec.q != nil }) })
	before := d.Stats().Process.Total()
	spin(100 * time.Millisecond)
	if more := d.Stats().Process.Total() - before; more != 0 {
		t.Errorf("%v of the process were sampled beside the trace", more)
	}
	must(t, sc.End())
	must(t, Flush())
}

// TestNothingBoundToUnseen: of scopes for a single call whose edges nobody saw
// nothing stays.
func TestNothingBoundToUnseen(t *testing.T) {
	dir := t.TempDir()
	outer := OpenScope(filepath.Join(dir, "outer.prof"))
	trace.Stop()
	must(t, trace.Start(io.Discard))
	const calls = 200
	d := Open(filepath.Join(dir, "a.prof"))
	for range calls {
		must(t, d.BeginTask().End())
	}
	await(t, "the recording to notice", func() bool { return locked(func() bool { return rec.ring != nil }) })
	if n := len(theEngine().Once()); n > 1 { // outer's
		t.Errorf("%d scopes are still known", n)
	}
	must(t, outer.End())
	must(t, Flush())
	trace.Stop()
	if n := len(theEngine().Once()); n > 0 {
		t.Errorf("%d scopes are still known after the recording", n)
	}
}

// TestLostGenerations holds up the reading of the ring for so long that
// generations are lost: only their time is unknown, and each scope's is its own.
func TestLostGenerations(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds: run without -short")
	}
	dir := t.TempDir()
	must(t, trace.Start(io.Discard))
	defer trace.Stop()
	all, early := Open(filepath.Join(dir, "all.prof")), Open(filepath.Join(dir, "early.prof"))
	whole := all.Begin()
	first := early.Begin()
	if !locked(func() bool { return rec.ring != nil }) {
		t.Fatal("not recorded beside the program's own trace")
	}
	var waited time.Duration // at most, in what may block
	timed := func(f func()) {
		begun := time.Now()
		f()
		waited += time.Since(begun)
	}
	spin(300 * time.Millisecond)
	timed(func() {
		if s := all.Stats(); s.Running == 0 {
			t.Error("the scope is not known yet")
		}
	})
	func() {
		timed(rec.mu.Lock)
		defer rec.mu.Unlock()
		for range 8 {
			spin(500 * time.Millisecond)
			timed(rec.force)
		}
	}()
	timed(func() { must(t, first.End()) })
	spin(600 * time.Millisecond)
	must(t, whole.End())
	must(t, Flush())
	s := all.Stats()
	if s.Blocked > waited+s.Elapsed/10 || s.Running < 300*time.Millisecond || s.Unknown < time.Second {
		t.Errorf("who computed all the time but %v: %+v", waited, s)
	}
	if e := early.Stats(); e.Calls != 1 || e.Elapsed > s.Elapsed-400*time.Millisecond {
		t.Errorf("%d calls of %v, want 1 well before %v", e.Calls, e.Elapsed, s.Elapsed)
	}
}

// TestRingUnreadable: when the analysis gives up on what the ring has, the
// recording begins anew. The runtime does that to us: a surplus trace.Stop of the
// program's stops the tracer under the FlightRecorder, and what follows does not
// fit what was.
func TestRingUnreadable(t *testing.T) {
	must(t, trace.Start(io.Discard))
	defer trace.Stop()
	d := Open(filepath.Join(t.TempDir(), "a.prof"))
	sc := d.Begin()
	q := locked(func() *queue {
		if rec.ring == nil {
			t.Fatal("not recorded beside the program's own trace")
		}
		return rec.q
	})
	await(t, "the scope to be known", func() bool { return d.Stats().Running > 0 })
	q.close() // as the pump does then
	await(t, "another recording", func() bool { return locked(func() bool { return rec.q != q && rec.ring != nil }) })
	before := d.Stats().Running
	spin(100 * time.Millisecond)
	if now := d.Stats().Running; now == before {
		t.Errorf("%v running before and after 100 ms of computing", now)
	}
	must(t, sc.End())
	must(t, Flush())
}

// TestLateLeave: a worker leaves after its request has ended, and the slot is in
// use again. Its new scope has no join.
func TestLateLeave(t *testing.T) {
	d := Open(filepath.Join(t.TempDir(), "a.prof"))
	outer := d.Begin()
	one := d.Begin()
	leave := Join(one.Attach(context.Background()))
	must(t, one.End())
	two := d.Begin()
	if one.s != two.s {
		t.Fatal("not the same slot")
	}
	if joins := rec.slots.joins(); len(joins) != 0 {
		t.Errorf("%d joins, want none", len(joins))
	}
	leave()
	must(t, two.End())
	must(t, outer.End())
	must(t, Flush())
}

// TestManyOpen: no number of scopes reaches the word's flags.
func TestManyOpen(t *testing.T) {
	w := word.Load()
	defer word.Store(w)
	word.Store(liveBit)
	const many = 1 << 31
	word.Add(many * openOne)
	if retire() {
		t.Error("a recording with scopes open was retired")
	}
	word.Add(^uint64(many*openOne - 1))
	for range 3 {
		word.Add(openedOne * (1<<30 - 1)) // about as many as there is room for
	}
	if word.Load()&(liveBit|sideBit) != liveBit {
		t.Errorf("the word is %x", word.Load())
	}
	if !retire() {
		t.Error("a recording without scopes was not retired")
	}
}
