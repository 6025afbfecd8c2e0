package context_test

import (
	"fmt"
	"sync/atomic"
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
		begin, last, n, early := time.Now(), time.Now(), 0, uint64(0)
		for {
			since := time.Since(begin)
			if seldom.enough(since) {
				break
			}
			if early == 0 && since > time.Second {
				early = heap()
			}
			for due := int(since / (20 * time.Microsecond)); n < due; n++ {
				s := p.Start()
				sink++
				must(s.Stop())
				seldom.called(begin, &last)
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
// once the 50 ms are used up that all ends have for writing at once.
type writeCount struct {
	begin time.Time
	long  int // calls, and pauses between them, whose ends may write
	done  chan bool
	ended chan bool
	n     atomic.Int64
}

func newWriteCount() *writeCount {
	c := &writeCount{begin: time.Now(), done: make(chan bool), ended: make(chan bool)}
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
				if time.Since(c.begin) > time.Second {
					c.n.Add(1)
				}
			}
		}
	}()
	return c
}

// enough reports whether hotTime is over and a file was written, for which a
// machine that is busy with others, or the race detector, may need longer.
func (c *writeCount) enough(since time.Duration) bool {
	return since > hotTime && (c.n.Load() > 0 || since > time.Minute)
}

// called notes a call that has ended since last, and returns the time since
// begin.
func (c *writeCount) called(begin time.Time, last *time.Time) time.Duration {
	now := time.Now()
	// A long call is one of 200 ms, but a tick of 50 in which there was none, because
	// a busy machine gave the program no time, ends the recording: that writes too.
	if now.Sub(*last) > 40*time.Millisecond {
		c.long++
	}
	*last = now
	return now.Sub(begin)
}

// check dies if the files were written more than once a second, or never.
func (c *writeCount) check() {
	close(c.done)
	<-c.ended
	n, lasted := int(c.n.Load()), time.Since(c.begin)
	if most := int(lasted/time.Second) + 2 + c.long; n < 1 || n > most {
		die("the file was written %d times in %v, %d calls of which were long, want 1 to %d", n, lasted, c.long, most)
	}
}

func TestHot(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some seconds: run without -short")
	}
	o := meet(t, "hot", 0)
	calls(t, o.profile(t, "a.prof"), o.stdout)
}
