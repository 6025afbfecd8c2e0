package session

import (
	"path/filepath"
	"testing"
	"time"
)

// TestFlood writes pieces of 64 KiB at a steady rate and tells after how long
// that is too much.
func TestFlood(t *testing.T) {
	const piece = 64 << 10
	for _, tt := range []struct {
		name  string
		rate  int64 // bytes a second
		lasts time.Duration
		after time.Duration // 0: never
	}{
		{"a busy server", 6 << 20, 10 * time.Second, 0},
		{"twice that", 16 << 20, time.Second, 80 * time.Millisecond},
		{"ping-pong", 23 << 20, time.Second, 80 * time.Millisecond},
		{"a burst", 60 << 20, 30 * time.Millisecond, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f flood
			step := int64(time.Second) * piece / tt.rate
			begin := int64(time.Hour)
			for now := begin; now < begin+int64(tt.lasts); now += step {
				if f.add(piece, now) {
					if after := time.Duration(now - begin); tt.after == 0 || after > tt.after {
						t.Errorf("too much after %v, want %v", after, tt.after)
					}
					return
				}
			}
			if tt.after != 0 {
				t.Errorf("not too much after %v, want it after %v", tt.lasts, tt.after)
			}
		})
	}
}

// TestScopesInAPause begins and ends scopes while the recording is being paused,
// which takes as long as what came has to be worked through: nobody waits for it.
func TestScopesInAPause(t *testing.T) {
	d := Open(filepath.Join(t.TempDir(), "a.prof"))
	outer := d.Begin()
	k := &keeper{r: &rec, stop: rec.stop}
	if !k.pause() {
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
	if k.pause() && !k.resume() {
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
