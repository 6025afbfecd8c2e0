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
	// 50,000 calls a second; how often the file is written is counted beside
	// it, by its inode and time, once the 50 ms are used up that all ends
	// have for writing at once.
	"hot": func() {
		p := cprofile.New("a.prof")
		done := make(chan bool)
		writes := make(chan int)
		go func() {
			begin, n, last := time.Now(), 0, stamp(".")
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
		close(done)
		written := <-writes
		must(cprofile.Flush())
		fmt.Print(n)
		if most := int(time.Since(begin)/time.Second) + 2; written > most {
			die("the file was written %d times, want at most %d", written, most)
		}
		if written < 1 {
			die("the file was written %d times in %v", written, hotTime)
		}
		settled(early, 32<<20)
		if got := p.Stats().Calls; got != int64(n) {
			die("%d calls, want %d", got, n)
		}
	},
})

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
