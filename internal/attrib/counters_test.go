package attrib

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// curves are a timeline of which the counters are kept.
type curves struct {
	ledger.Timeline
	names  map[ledger.TrackID]string
	values map[string][]value
}

type value struct{ t, n int64 }

func (c *curves) Track(t ledger.Track)  { c.names[t.ID] = t.Name }
func (c *curves) Close(end int64) error { return nil }
func (c *curves) Count(id ledger.TrackID, t, n int64) {
	c.values[c.names[id]] = append(c.values[c.names[id]], value{t, n})
}

// at returns what a counter shows at t.
func (c *curves) at(name string, t int64) (n int64) {
	for _, v := range c.values[name] {
		if v.t > t {
			break
		}
		n = v.n
	}
	return n
}

func newCurves() (*curves, *Drawing) {
	c := &curves{names: make(map[ledger.TrackID]string), values: make(map[string][]value)}
	return c, NewDrawing(c, NewFold(ledger.NewStacks(), nil, nil))
}

// A burst of a few microseconds is not shown for as long as the program is quiet
// after it, nor to the end of the drawing.
func TestCountersWhileQuiet(t *testing.T) {
	c, d := newCurves()
	now := int64(time.Second)
	for g := range int64(4) {
		d.Change(g, wire.Undetermined, wire.Waiting, now)
	}
	bursts := []int64{now + 10e6, now + 1010e6}
	for _, at := range bursts {
		for g := range int64(4) {
			d.Change(g, wire.Waiting, wire.Runnable, at+g)
			d.Change(g, wire.Runnable, wire.Running, at+100+g)
		}
		for g := range int64(4) {
			d.Change(g, wire.Running, wire.Waiting, at+5000+g)
		}
	}
	if err := d.Close(now + 2e9); err != nil {
		t.Fatal(err)
	}
	for _, at := range bursts {
		if c.at("runnable", at) != 1 {
			t.Errorf("nothing of the burst is shown: %v", c.values)
		}
		for _, later := range []int64{countEvery, 1e8, 9e8} {
			for name, want := range map[string]int64{"goroutines": 4, "runnable": 0, "running": 0} {
				if n := c.at(name, at+later); n != want {
					t.Errorf("%v after a burst %d %s, want %d", time.Duration(later), n, name, want)
				}
			}
		}
	}
}

// Whatever happens, at the end of each field of the grid and of the drawing the
// counters show how things stand; each counter's values come in their order.
func TestCountersAtTheGrid(t *testing.T) {
	c, d := newCurves()
	const goroutines, end = 20, 500*countEvery + countEvery/3
	states := []wire.State{wire.Runnable, wire.Running, wire.Waiting, wire.Syscall}
	random := rand.New(rand.NewPCG(1, 2))
	var is [goroutines]wire.State // Undetermined at first
	stood := make(map[int64]map[string]int64)
	check := int64(0)
	note := func(to int64) { // how it stands at each field's end before to
		for ; check+countEvery <= to; check += countEvery {
			n := make(map[string]int64)
			for _, s := range is {
				switch s {
				case wire.Undetermined:
					continue
				case wire.Runnable:
					n["runnable"]++
				case wire.Running:
					n["running"]++
				}
				n["goroutines"]++
			}
			stood[check+countEvery] = n
		}
	}
	for now := int64(1); now < end; {
		note(now - 1)
		g := random.IntN(goroutines)
		to := states[random.IntN(len(states))]
		d.Change(int64(g), is[g], to, now)
		is[g] = to
		now += []int64{0, 3, 500, countEvery - 1, countEvery, 5 * countEvery}[random.IntN(6)]
	}
	if err := d.Close(end); err != nil {
		t.Fatal(err)
	}
	for at, want := range stood {
		for _, name := range countNames {
			if n := c.at(name, at); n != want[name] {
				t.Errorf("at %d: %d %s, want %d", at, n, name, want[name])
			}
		}
	}
	for name, vs := range c.values {
		if !slices.IsSortedFunc(vs, func(a, b value) int { return int(a.t - b.t) }) {
			t.Errorf("%s goes back in time: %v", name, vs)
		}
	}
}
