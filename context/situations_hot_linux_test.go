package context_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/profscope/profscope/cprofile"
)

const hotTime = 3 * time.Second

var _ = declare(map[string]func(){
	// 50,000 calls a second.
	"hot": func() {
		p := cprofile.New("a.prof")
		seldom := countWrites()
		begin, n, early := time.Now(), 0, uint64(0)
		for {
			since := time.Since(begin)
			if since > hotTime {
				break
			}
			if early == 0 && since > time.Second {
				early = heap()
			}
			for due := int(since / (20 * time.Microsecond)); n < due; n++ {
				s := p.Start()
				sink++
				must(s.Stop())
			}
			time.Sleep(time.Millisecond)
		}
		seldom()
		must(cprofile.Flush())
		fmt.Print(n)
		settled(early, 32<<20)
		if got := p.Stats().Calls; got != int64(n) {
			die("%d calls, want %d", got, n)
		}
	},
})

// countWrites counts how often the files here are written, by inode and time,
// once the 50 ms are used up that all ends have for writing at once. seldom dies
// if that was more than once a second, or never.
func countWrites() (seldom func()) {
	done := make(chan bool)
	writes := make(chan int)
	begin := time.Now()
	go func() {
		n, last := 0, stamp(".")
		for {
			select {
			case <-done:
				writes <- n
				return
			case <-time.After(2 * time.Millisecond):
			}
			if s := stamp("."); s != last {
				last = s
				if time.Since(begin) > time.Second {
					n++
				}
			}
		}
	}()
	return func() {
		close(done)
		n, lasted := <-writes, time.Since(begin)
		if most := int(lasted/time.Second) + 2; n < 1 || n > most {
			die("the file was written %d times in %v, want 1 to %d", n, lasted, most)
		}
	}
}

func TestHot(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some seconds: run without -short")
	}
	o := meet(t, "hot", 0)
	calls(t, o.profile(t, "a.prof"), o.stdout)
	if _, err := os.Stat(o.dir); err != nil {
		t.Error(err)
	}
}
