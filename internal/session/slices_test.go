package session

import (
	"path/filepath"
	"testing"
)

// TestScopesInAPause begins and ends scopes while the recording is being paused,
// which takes as long as what came has to be worked through: nobody waits for it.
func TestScopesInAPause(t *testing.T) {
	d := Open(filepath.Join(t.TempDir(), "a.prof"))
	outer := d.Begin()
	k := &keeper{r: &rec, stop: rec.stop}
	if _, ok := k.pause(); !ok {
		t.Fatal("no recording to pause")
	}
	rec.mu.Lock() // as if it were still under way
	rec.regain()  // by one who has looked before
	for range 100 {
		if err := d.Begin().End(); err != nil {
			t.Error(err)
		}
	}
	rec.mu.Unlock()
	if !k.resume() {
		t.Fatal("no recording to resume")
	}
	if _, ok := k.pause(); ok && !k.resume() {
		t.Fatal("no recording to resume again")
	}
	if err := outer.End(); err != nil {
		t.Error(err)
	}
	if err := Flush(); err != nil {
		t.Error(err)
	}
	if got := d.Stats().Calls; got != 101 {
		t.Errorf("%d calls, want 101", got)
	}
}
