package report

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// dueFiles returns destinations that have something to be written.
func dueFiles(t *testing.T, n int) (*Engine, []*Destination) {
	t.Helper()
	e, dir := NewEngine(), t.TempDir()
	ds := make([]*Destination, n)
	for i := range ds {
		d, err := e.Destination(filepath.Join(dir, fmt.Sprint(i, ".prof")), &Options{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		d.Started(time.Now())
		d.booked++
		ds[i] = d
	}
	return e, ds
}

// hang has writes of ds stand still until release is called.
func hang(ds ...*Destination) (release func()) {
	for _, d := range ds {
		d.writing.Lock()
	}
	return func() {
		for _, d := range ds {
			d.writing.Unlock()
		}
	}
}

func exists(d *Destination) bool {
	_, err := os.Stat(d.outputs[0].name)
	return err == nil
}

// returned runs f, and reports whether it has returned before long.
func returned(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("it does not return")
	}
}

// await waits until ok, at most a minute: a disk that needs longer for a file than
// patience passes for one that hangs, and the file comes later.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for begin := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

// lateOf returns what hands on what becomes of late writes of these alone: others
// are late where the disk is slow.
func lateOf(late chan<- error, ds ...*Destination) func(*Destination, error) {
	return func(d *Destination, err error) {
		if slices.Contains(ds, d) {
			late <- err
		}
	}
}

func written(t *testing.T, errs []error) {
	t.Helper()
	for i, err := range errs {
		if err != nil {
			t.Errorf("%d.prof: %v", i, err)
		}
	}
}

// TestWriteUnderWay: who ends the recording does not leave a file to a write
// that is under way and may not have its last call.
func TestWriteUnderWay(t *testing.T) {
	t.Parallel()
	e, ds := dueFiles(t, 2)
	e.patience = time.Minute // nothing is stuck
	release := hang(ds[0])
	keeper := make(chan []error)
	go func() {
		keeper <- e.WriteAll(ds[:1], Attempt{Live: func() bool { return false }, Late: func(*Destination, error) {}})
	}()
	time.AfterFunc(200*time.Millisecond, release)
	written(t, e.WriteAll(ds, Attempt{Final: true, Live: func() bool { return false }, For: ds[1], Late: func(*Destination, error) {}}))
	if !exists(ds[0]) || !exists(ds[1]) || ds[0].unfinished {
		t.Errorf("0.prof: %v, 1.prof: %v, unfinished: %v", exists(ds[0]), exists(ds[1]), ds[0].unfinished)
	}
	written(t, <-keeper)
}

// TestWritesStuck: however many writes are stuck, the others are written, and a
// later attempt neither waits for those nor is lost by them.
func TestWritesStuck(t *testing.T) {
	t.Parallel()
	const stuck = 3 * atOnce
	e, ds := dueFiles(t, stuck+3)
	release := hang(ds[:stuck]...)
	late := make(chan error, stuck)
	live := new(atomic.Bool)
	a := Attempt{For: ds[stuck+1], Live: live.Load, Late: lateOf(late, ds[:stuck]...)}
	returned(t, func() { written(t, e.WriteAll(ds, a)) })
	if !exists(a.For) {
		t.Error("it has not been waited for")
	}
	for _, d := range ds[stuck:] {
		await(t, d.key, func() bool { return exists(d) })
	}
	e.mu.Lock()
	for _, d := range ds {
		d.booked++
	}
	e.mu.Unlock()
	a.For, a.Final = nil, true
	returned(t, func() { written(t, e.WriteAll(ds, a)) })
	if len(late) != 0 {
		t.Errorf("%d stuck writes have ended", len(late))
	}
	release()
	for range stuck {
		if err := <-late; err != nil {
			t.Error(err)
		}
	}
	for _, d := range ds {
		await(t, "the last of "+d.key, func() bool {
			e.mu.Lock()
			defer e.mu.Unlock()
			return d.booked == d.written && !d.unfinished
		})
	}
}

// TestLeftWhileLive: what was left to a write that was stuck is written as things
// are then, not as they were.
func TestLeftWhileLive(t *testing.T) {
	t.Parallel()
	e, ds := dueFiles(t, 2)
	release := hang(ds[0])
	late := make(chan error, 2)
	live := new(atomic.Bool)
	a := Attempt{Live: live.Load, Late: lateOf(late, ds[0])}
	returned(t, func() { written(t, e.WriteAll(ds, a)) })
	book := func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		ds[0].booked++
	}
	book()
	a.Final = true
	returned(t, func() { written(t, e.WriteAll(ds, a)) })
	live.Store(true) // the next recording
	book()
	release()
	written(t, []error{<-late})
	if ds[0].booked != ds[0].written || !ds[0].unfinished {
		t.Errorf("%d of %d, unfinished: %v", ds[0].written, ds[0].booked, ds[0].unfinished)
	}
}

// TestTableStuck: tables come in order, but not for ever after one that is stuck.
func TestTableStuck(t *testing.T) {
	t.Parallel()
	e, ds := dueFiles(t, 4)
	for _, d := range ds {
		d.stdout = true
	}
	release := hang(ds[0], ds[2])
	late := make(chan error, 2)
	returned(t, func() {
		written(t, e.WriteAll(ds, Attempt{For: ds[1], Live: func() bool { return false }, Late: lateOf(late, ds[0], ds[2])}))
	})
	if !exists(ds[1]) {
		t.Error("it has not been waited for")
	}
	await(t, ds[3].key, func() bool { return exists(ds[3]) })
	release()
	written(t, []error{<-late, <-late})
}
