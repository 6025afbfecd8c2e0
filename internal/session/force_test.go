package session

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestForcing: whoever asks gets an advance that began after it had asked, and
// those who ask while one is under way share the next.
func TestForcing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f forcing
		var began, n atomic.Int64 // begin of the last advance
		advance := func() {
			n.Add(1)
			began.Store(time.Now().UnixNano())
			time.Sleep(time.Second)
		}
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond) // over one second
				asked := time.Now().UnixNano()
				f.share(advance)
				if began.Load() < asked {
					t.Errorf("%d: the advance began before it was asked for", i)
				}
			})
		}
		all.Wait()
		if n.Load() != 2 {
			t.Errorf("%d advances, want 2", n.Load())
		}
	})
}
