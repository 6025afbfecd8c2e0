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
	transitions, logs, samples, assists, details := b.transitions, b.logs, b.samples, b.assists, b.details
	for _, k := range b.kinds {
		switch k {
		case aheadTransition:
			a.h.Transition(&transitions[0])
			transitions = transitions[1:]
		case aheadLog:
			a.h.Log(&logs[0])
			logs = logs[1:]
		case aheadSample:
			a.h.Sample(&samples[0])
			samples = samples[1:]
		case aheadAssist:
			a.h.Assist(&assists[0])
			assists = assists[1:]
		case aheadDetail:
			a.h.Detail(&details[0])
			details = details[1:]
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

func (a *ahead) Transition(e *wire.Transition) {
	a.at.transitions = append(a.at.transitions, *e)
	a.add(aheadTransition)
}

func (a *ahead) Log(e *wire.Log) {
	a.at.logs = append(a.at.logs, *e)
	a.add(aheadLog)
}

func (a *ahead) Sample(e *wire.Sample) {
	a.at.samples = append(a.at.samples, *e)
	a.add(aheadSample)
}

func (a *ahead) Assist(e *wire.Assist) {
	a.at.assists = append(a.at.assists, *e)
	a.add(aheadAssist)
}

func (a *ahead) Detail(e *wire.Detail) {
	a.at.details = append(a.at.details, *e)
	a.add(aheadDetail)
}

func (a *ahead) Snapshot(trace, unix int64) {
	a.at.snapshot = [2]int64{trace, unix}
	a.add(aheadSnapshot)
}

var _ wire.DetailHandler = (*ahead)(nil)
