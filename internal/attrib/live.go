package attrib

import (
	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// live gives a fold what a [wire.Reader] reads.
type live struct {
	f *Fold
	t wireTable
}

func newLive(f *Fold) *live {
	if f.known == nil {
		f.known = make(map[string]ledger.StackID)
	}
	return &live{f: f, t: wireTable{known: f.known}}
}

func (l *live) Generation(t *wire.Tables) {
	l.t.next(t)
	l.f.table = &l.t
	l.f.nextGeneration()
}

// Transition takes a change of state. The times of statuses are passed over:
// the runtime writes those of goroutines that did nothing all at once at a
// generation's end, a tick apart, so that with many parked goroutines they run
// milliseconds ahead of the clock, and all that comes after them would be
// moved there.
func (l *live) Transition(e *wire.Transition) {
	if f := l.f; f.fresh || e.From != wire.Undetermined && e.From != e.To {
		l.f.at(e.Time)
	}
	l.f.transition(e)
}

func (l *live) Log(e *wire.Log) {
	l.f.at(e.Time)
	l.f.log(e)
}

func (l *live) Sample(e *wire.Sample) { l.f.sampled(e.On, e.At) }

func (l *live) Assist(e *wire.Assist) {
	l.f.at(e.Time)
	l.f.assist(e.Goroutine, e.Begin, e.At)
}
