package attrib

import (
	"fmt"

	"github.com/profscope/profscope/internal/wire"
)

// ahead is a handler that gives what is read to another one, which works on a
// goroutine of its own: so a file is read on one core and drawn on another. What
// a generation refers to is there until the next one is begun, and so the
// reader waits at its end until the other has caught up.
//
// After a panic of the other one nothing is given to it any more.
type ahead struct {
	h     wire.DetailHandler
	at    *aheadBatch // being filled
	full  chan *aheadBatch
	empty chan *aheadBatch
	ended chan struct{}
	err   error // valid after ended
}

// aheadBatch has events in the order of kinds, each kind in a list of its own.
type aheadBatch struct {
	kinds       []aheadKind
	transitions []wire.Transition
	logs        []wire.Log
	samples     []wire.Sample
	assists     []wire.Assist
	details     []wire.Detail
	tables      *wire.Tables  // of aheadGeneration
	caughtUp    chan struct{} // closed when all before it is done; nil if nobody waits
	snapshot    [2]int64
}

type aheadKind uint8

const (
	aheadTransition aheadKind = iota
	aheadLog
	aheadSample
	aheadAssist
	aheadDetail
	aheadGeneration
	aheadSnapshot
	aheadKinds
)

// Batches are long enough that handing them over costs nothing, and few and
// small enough to stay in the cache.
const (
	aheadEvents  = 512
	aheadBatches = 4
)

func newAhead(h wire.DetailHandler) *ahead {
	a := &ahead{h: h, full: make(chan *aheadBatch, aheadBatches), empty: make(chan *aheadBatch, aheadBatches), ended: make(chan struct{})}
	for range aheadBatches {
		a.empty <- new(aheadBatch)
	}
	a.at = <-a.empty
	go a.work()
	return a
}

// close returns when all has been worked through, with the error if it was not.
func (a *ahead) close() error {
	a.send()
	close(a.full)
	<-a.ended
	return a.err
}

// put appends what e points to, which is the reader's, to the batch's list of
// its kind.
func put[T any](a *ahead, list *[]T, e *T, k aheadKind) {
	*list = append(*list, *e)
	a.add(k)
}

func (a *ahead) add(k aheadKind) {
	a.at.kinds = append(a.at.kinds, k)
	if len(a.at.kinds) == aheadEvents {
		a.send()
	}
}

func (a *ahead) send() {
	a.full <- a.at // there is room for all
	a.at = <-a.empty
}

func (a *ahead) work() {
	defer close(a.ended)
	for b := range a.full {
		if a.err == nil {
			a.err = a.give(b)
		}
		if b.caughtUp != nil {
			close(b.caughtUp)
		}
		*b = aheadBatch{kinds: b.kinds[:0], transitions: b.transitions[:0], logs: b.logs[:0], samples: b.samples[:0],
			assists: b.assists[:0], details: b.details[:0]}
		a.empty <- b
	}
}

func (a *ahead) give(b *aheadBatch) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the trace makes no sense to us: %v", p)
		}
	}()
	var n [aheadKinds]int // given of each kind
	for _, k := range b.kinds {
		i := n[k]
		n[k]++
		switch k {
		case aheadTransition:
			a.h.Transition(&b.transitions[i])
		case aheadLog:
			a.h.Log(&b.logs[i])
		case aheadSample:
			a.h.Sample(&b.samples[i])
		case aheadAssist:
			a.h.Assist(&b.assists[i])
		case aheadDetail:
			a.h.Detail(&b.details[i])
		case aheadGeneration:
			a.h.Generation(b.tables)
		case aheadSnapshot:
			a.h.Snapshot(b.snapshot[0], b.snapshot[1])
		}
	}
	return nil
}

func (a *ahead) Generation(t *wire.Tables) {
	a.at.tables = t
	a.add(aheadGeneration)
	a.send()
}

// end waits until all has been given, so that the reader may drop what it
// refers to.
func (a *ahead) end() {
	done := make(chan struct{})
	a.at.caughtUp = done
	a.send()
	<-done
}

func (a *ahead) Transition(e *wire.Transition) { put(a, &a.at.transitions, e, aheadTransition) }
func (a *ahead) Log(e *wire.Log)               { put(a, &a.at.logs, e, aheadLog) }
func (a *ahead) Sample(e *wire.Sample)         { put(a, &a.at.samples, e, aheadSample) }
func (a *ahead) Assist(e *wire.Assist)         { put(a, &a.at.assists, e, aheadAssist) }
func (a *ahead) Detail(e *wire.Detail)         { put(a, &a.at.details, e, aheadDetail) }

func (a *ahead) Snapshot(trace, unix int64) {
	a.at.snapshot = [2]int64{trace, unix}
	a.add(aheadSnapshot)
}

var _ wire.DetailHandler = (*ahead)(nil)
