package session

import (
	"path/filepath"
	"testing"
	"time"
)

// TestSettle: who waits for totals waits for no lock for longer than that, whether
// a recording runs or is being ended. Without the bound this test does not end.
func TestSettle(t *testing.T) {
	for _, open := range []bool{true, false} {
		sc := Open(filepath.Join(t.TempDir(), "x.prof")).Begin()
		if !open {
			sc.End()
		}
		rec.mu.Lock()
		Settle(10 * time.Millisecond)
		rec.mu.Unlock()
		if err := sc.End(); err != nil {
			t.Error(err)
		}
	}
}

// TestCaughtUp: an analysis that stands still is given up on in the time that there is.
func TestCaughtUp(t *testing.T) {
	r := recorder{q: newQueue(make(chan struct{}, 1))} // without a reader
	least := int64(patience)                           // any may have waited for a processor
	for range 20 {
		begun := nanotime()
		if r.caughtUp(begun + int64(time.Millisecond)) {
			t.Error("it has been waited for")
		}
		least = min(least, nanotime()-begun)
	}
	if least >= int64(patience) {
		t.Error("the patience was the recording's")
	}
}
