package session

import (
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
