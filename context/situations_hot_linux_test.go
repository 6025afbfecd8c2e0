package context_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/profscope/profscope/cprofile"
)

const hotTime = 3 * time.Second

var _ = declare(map[string]func(){
	// 50,000 calls a second.
	"hot": func() {
		p := cprofile.New("a.prof")
		seldom := newWriteCount()
		n, early := 0, uint64(0)
		for !seldom.enough() {
			since := time.Since(seldom.begin)
			if early == 0 && since > time.Second {
				early = heap()
			}
			for due := int(since / (20 * time.Microsecond)); n < due; n++ {
				s := p.Start()
				sink++
				must(s.Stop())
				seldom.called()
			}
			time.Sleep(time.Millisecond)
		}
		seldom.check()
		must(cprofile.Flush())
		fmt.Print(n)
		settled(early, 32<<20)
		if got := p.Stats().Calls; got != int64(n) {
			die("%d calls, want %d", got, n)
		}
	},
})

// A writeCount counts how often the files here are written, by inode and time,
// once the 50 ms are used up that all ends have for writing at once. A long call
// is one of 200 ms, but a tick of 50 in which there was none, because a busy
// machine gave the program no time, ends the recording: that writes, and the
// next recording has such 50 ms again. What is counted is one window of time
// without any such pause.
type writeCount struct {
	begin time.Time
	last  time.Time // the last call's end
	done  chan bool
	ended chan bool

	mu     sync.Mutex
	window time.Time // its begin; its first second uses up the 50 ms
	n      int
}

func newWriteCount() *writeCount {
	now := time.Now()
	c := &writeCount{begin: now, last: now, window: now, done: make(chan bool), ended: make(chan bool)}
	go func() {
		defer close(c.ended)
		last := stamp(".")
		for {
			select {
			case <-c.done:
				return
			case <-time.After(2 * time.Millisecond):
			}
			if s := stamp("."); s != last {
				last = s
				c.mu.Lock()
				if time.Since(c.window) > time.Second {
					c.n++
				}
				c.mu.Unlock()
			}
		}
	}()
	return c
}

// enough reports whether the window has lasted for hotTime and a file was
// written, for which a machine that is busy with others, or the race detector,
// may need longer.
func (c *writeCount) enough() bool {
	// By the last call's clock: a reading more would be a good part of a call.
	if c.last.Sub(c.window) < hotTime {
		return c.last.Sub(c.begin) > time.Minute
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n > 0 || c.last.Sub(c.begin) > time.Minute
}

// called notes a call that has ended, and returns the time since begin.
func (c *writeCount) called() time.Duration {
	now := time.Now()
	if now.Sub(c.last) > 40*time.Millisecond {
		c.mu.Lock()
		c.window, c.n = now, 0
		c.mu.Unlock()
	}
	c.last = now
	return now.Sub(c.begin)
}

// check dies if the files were written more than once a second, or never.
func (c *writeCount) check() {
	close(c.done)
	<-c.ended
	lasted := c.last.Sub(c.window)
	if lasted < hotTime || c.n == 0 && lasted < 10*hotTime { // a minute is over
		fmt.Fprintln(os.Stderr, interrupted)
		return
	}
	if most := int(lasted/time.Second) + 2; c.n < 1 || c.n > most {
		die("the file was written %d times in %v, want 1 to %d", c.n, lasted, most)
	}
}

// interrupted says that nothing is known of how often the file is written.
const interrupted = "this machine was too busy for three seconds of calls without a pause"

// uninterrupted skips the rest of a test whose child did not say how often its
// file is written.
func uninterrupted(t *testing.T, o outcome) {
	t.Helper()
	if strings.Contains(o.stderr, interrupted) {
		t.Skip(interrupted + ": run it again with fewer programs beside it")
	}
}

func TestHot(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some seconds: run without -short")
	}
	o := meet(t, "hot", 0)
	calls(t, o.profile(t, "a.prof"), o.stdout)
	uninterrupted(t, o)
}
