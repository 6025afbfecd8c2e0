package session

import (
	"runtime"
	"runtime/trace"
	"testing"
	"time"

	"github.com/profscope/profscope/internal/wire"
)

// TestFlood gives threads' batches of 64 KiB at a steady rate and tells after how
// long that is too much.
func TestFlood(t *testing.T) {
	t.Parallel()
	const piece = 64 << 10
	for _, tt := range []struct {
		name    string
		rate    int64 // bytes a second, of all threads
		threads int64
		lasts   time.Duration
		after   time.Duration // 0: never
	}{
		{"a busy server", 6 << 20, 1, 10 * time.Second, 0},
		{"its threads", 6 << 20, 7, 10 * time.Second, 0},
		{"twice that", 16 << 20, 1, time.Second, 80 * time.Millisecond},
		{"its threads", 16 << 20, 4, time.Second, 100 * time.Millisecond},
		{"ping-pong", 23 << 20, 2, time.Second, 70 * time.Millisecond},
		{"a burst", 60 << 20, 1, 30 * time.Millisecond, 0},
		{"a flood of nothing else", 60 << 20, 1, 70 * time.Millisecond, 70 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := flood{window: uint64(floodWindow)} // a tick is a nanosecond
			step := time.Second * piece / time.Duration(tt.rate)
			over := false
			begin := time.Hour
			for now, n := begin, uint64(0); now < begin+tt.lasts && !over; now, n = now+step, n+1 {
				if over = f.add(wire.Batch{Thread: n % uint64(tt.threads), Time: uint64(now), Body: piece}); over {
					if after := now - begin; tt.after == 0 || after > tt.after {
						t.Errorf("too much after %v, want %v", after, tt.after)
					}
				}
			}
			if !over && tt.after != 0 {
				t.Errorf("not too much after %v, want it after %v", tt.lasts, tt.after)
			}
		})
	}
}

// TestFloodOfStragglers gives what is no flood in whatever order and at whatever
// moment it comes: all threads' events of a second at its end, each thread's after
// another's, and a thread that was not seen for hours.
func TestFloodOfStragglers(t *testing.T) {
	t.Parallel()
	f := flood{window: uint64(floodWindow)}
	const threads, second = 60, uint64(time.Second)
	for gen := range uint64(10) {
		for th := range uint64(threads) { // 4 MB at once, and 4 MB/s
			if f.add(wire.Batch{Thread: th, Time: gen*second + th*second/1000, Body: 64 << 10}) {
				t.Fatalf("generation %d, thread %d: too much", gen, th)
			}
		}
	}
	if f.add(wire.Batch{Thread: 3, Time: 10000 * second, Body: 1 << 20}) || f.add(wire.Batch{Thread: 4, Time: 9 * second, Body: 1 << 20}) {
		t.Error("too much after hours")
	}
	var most uint64
	for _, w := range f.windows {
		most = max(most, w)
	}
	if most > floodBytes {
		t.Errorf("a window has %d bytes", most)
	}
}

// TestFloodClock has the tracer of this Go tell its clock.
func TestFloodClock(t *testing.T) {
	var got clocked
	if err := trace.Start(&got); err != nil {
		t.Skip("somebody traces:", err)
	}
	trace.Stop()
	want := uint64(floodWindow) / 64
	if runtime.GOOS == "windows" { // the processor's counter
		want = got.window
	}
	if got.window != want || got.window == 0 {
		t.Errorf("a window has %d ticks, want %d", got.window, want)
	}
}

type clocked struct{ flood }

func (c *clocked) Write(p []byte) (int, error) {
	c.clock(p)
	return len(p), nil
}
