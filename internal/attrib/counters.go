package attrib

import (
	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// countEvery is the grid on which the numbers of goroutines are written: a value
// each switch would be half of the file. Of each field in which they change there
// is the first change, and how they stood at its end: else what a short burst
// began with would be shown for as long as the program is quiet after it. The grid
// lies where it lies whatever was written before, so that a time that is a tick
// off moves the value beside it and no later one.
const countEvery = int64(50_000)

var countNames = [3]string{"goroutines", "runnable", "running"}

// Change keeps the numbers of goroutines by the changes that are told. A status
// is no change: only the first of a goroutine counts.
func (t *Drawing) Change(g int64, from, to wire.State, now int64) {
	switch {
	case to == wire.NotExist:
		t.forget(g)
		if !t.known[g] {
			return
		}
		delete(t.known, g)
	case from == wire.NotExist:
		t.known[g] = true
	case from == wire.Undetermined || from == to:
		if t.known[g] {
			return
		}
		t.known[g] = true
		from = wire.Undetermined
	}
	enters := now >= t.fieldEnd
	if enters {
		t.endField(now)
	}
	t.tell(from, -1)
	t.tell(to, 1)
	if enters {
		t.writeCounts(now)
		t.fieldEnd = (now/countEvery + 1) * countEvery
	}
}

// endField writes the numbers as they stand at the end of the field that is drawn,
// or at now if that is before.
func (t *Drawing) endField(now int64) {
	if t.fieldEnd > 0 {
		t.writeCounts(min(t.fieldEnd, now))
	}
}

func (t *Drawing) tell(s wire.State, n int64) {
	switch s {
	case wire.NotExist, wire.Undetermined:
		return
	case wire.Runnable:
		t.counts[1] += n
	case wire.Running:
		t.counts[2] += n
	}
	t.counts[0] += n
}

func (t *Drawing) writeCounts(now int64) {
	for i, n := range t.counts {
		if n != t.shown[i] || t.fieldEnd == 0 {
			t.Count(countNames[i], "", now, n)
			t.shown[i] = n
		}
	}
}

// Counter names of what the runtime counts.
const (
	CounterHeap     = "heap"
	CounterHeapGoal = "heap goal"
	CounterProcs    = "GOMAXPROCS"
)

// Count draws a counter's value from at on; unit is "" (a count) or "bytes".
func (t *Drawing) Count(name, unit string, at, value int64) {
	id, ok := t.counters[name]
	if !ok {
		id = t.declare(ledger.Track{Parent: t.group("counters", orderCounters), Kind: ledger.TrackCounter, Name: name, Unit: unit})
		t.counters[name] = id
	}
	t.out.Count(id, at, value)
}
