//go:build !race

// Under the race detector a program is too slow to trace too much.

package context_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/profscope/profscope/cprofile"
)

var _ = declare(map[string]func(){
	// As many calls as there can be, from a deep stack: far more than a whole
	// recording is bearable for. Of nearly all calls no trace shows begin or
	// end: they are counted all the same, and noting them takes no memory. A slice's begin
	// and end make no call a long one, whose end would write and begin anew.
	"flat out": func() {
		p := cprofile.New("a.prof")
		n, early := 0, uint64(0)
		seldom := newWriteCount()
		var lasted time.Duration
		deep(100, func() {
			for ; n < 3e6 || !seldom.enough(); n++ { // a busy machine makes few in the time
				if early == 0 && lasted > time.Second {
					early = heap()
				}
				s := p.Start()
				sink++
				must(s.Stop())
				lasted = seldom.called()
			}
		})
		seldom.check()
		must(cprofile.Flush())
		fmt.Print(n)
		if float64(n)/lasted.Seconds() < 1e6 {
			fmt.Fprint(os.Stderr, starved)
		}
		settled(early, 32<<20)
		if got := p.Stats().Calls; got != int64(n) {
			die("%d calls, want %d", got, n)
		}
	},
})

// starved says that the machine gave the program too little time for a flood.
const starved = "this machine was too busy for as many calls as there can be"

// deep calls f with that many frames below it.
//
//go:noinline
func deep(frames int, f func()) {
	if frames == 0 {
		f()
		return
	}
	deep(frames-1, f)
	sink++ // or it would be a jump
}

func TestFlatOut(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some seconds: run without -short")
	}
	o := meet(t, "flat out", 0)
	p := o.profile(t, "a.prof")
	calls(t, p, o.stdout)
	if !strings.Contains(strings.Join(p.Comments, "\n"), "slices of 10 ms") && !strings.HasSuffix(o.stderr, starved) {
		t.Errorf("the file does not tell that it was recorded in slices: %q", p.Comments)
	}
	uninterrupted(t, o)
}
