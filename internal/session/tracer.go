package session

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/trace"
	"time"

	"github.com/profscope/profscope/internal/report"
)

// startTraceLocked starts the tracer and the analysis of what it gives:
//
//  1. with trace.Start; if the program has that,
//  2. with a FlightRecorder beside it; if that is taken too, or the trace is
//     of a version that the parser does not know,
//  3. not at all: r.q stays nil, edges go to the side list, and the stacks of
//     all goroutines are sampled.
func (r *recorder) startTraceLocked() {
	r.id.Add(1)
	if r.tooNew {
		r.sampleLocked()
		return
	}
	q := newQueue(r.wake)
	if trace.Start(q) == nil {
		if !r.readableLocked(q) {
			trace.Stop()
			r.tooNew = true
			r.sampleLocked()
			return
		}
		theEngine().SetMode("")
		r.pumpLocked(q)
		return
	}
	if r.ring = startRing(); r.ring == nil {
		r.sampleLocked()
		return
	}
	theEngine().SetMode(ringNote)
	r.pumpLocked(q)
}

// pumpLocked lets the trace take the edges of scopes from now on and begins the
// analysis of q, in this order: what the trace shows of a scope comes after
// what the side list has of it.
func (r *recorder) pumpLocked(q *queue) {
	r.endSamplingLocked()
	setBits(0, sideBit)
	r.side.apply(theEngine())
	done := make(chan error, 1)
	r.q, r.done = q, done
	r.heard = 0
	go func() {
		err := theEngine().Consume(q)
		q.close() // whatever comes now would only pile up
		done <- err
	}()
}

func (r *recorder) sampleLocked() {
	r.q = nil
	theEngine().SetMode(sampledNote)
	if !r.toldSampled {
		r.toldSampled = true
		r.mu.log(func() { slog.Warn("profscope: " + sampledNote) })
	}
	if r.sampling == nil {
		r.sampling = make(chan struct{})
		go r.sample(r.sampling)
	}
}

func (r *recorder) endSamplingLocked() {
	if r.sampling != nil {
		close(r.sampling)
		r.sampling = nil
	}
}

const lostNote = "Somebody else ended the execution trace: what goroutines did until it was restarted is unknown."

// stopTraceLocked ends the trace and waits until it has been worked through.
func (r *recorder) stopTraceLocked() {
	if r.q == nil {
		r.side.apply(theEngine())
		return
	}
	if r.ring != nil {
		r.pullLocked()
		r.ring.stop()
		r.ring = nil
	} else if r.ours() {
		trace.Stop()
	} else {
		r.missed = true
		theEngine().Note(nil, lostNote)
	}
	r.q.close()
	err := <-r.done
	over := r.q.overrun()
	r.q = nil
	r.missed = r.missed || over || err != nil
	if over {
		theEngine().Note(nil, "The trace came faster than it could be analysed: part of the time is unknown.")
	} else if errors.Is(err, report.ErrVersion) {
		r.tooNew = true
	} else if err != nil {
		// The reader gave up in the middle. What it had read is booked, the
		// rest is unknown: the file is worth having, so this is no error of the
		// scope's end.
		theEngine().Note(nil, fmt.Sprintf("The trace could not be read to its end, what came after is unknown: %v.", err))
		r.mu.log(func() {
			slog.Warn("profscope: the trace could not be read to its end, part of the time is unknown", "error", err)
		})
	}
	if r.missed {
		r.endedLocked(lastEvent)
	} else {
		r.endedLocked(nanotime())
	}
	r.side.apply(theEngine())
}

// lastEvent is how far a recording that is not whole tells anything.
const lastEvent = 0

// endedLocked closes a recording that has been worked through: what it shows
// last holds up to t. Scopes that stay open go on in the next one.
func (r *recorder) endedLocked(t int64) {
	theEngine().Ended(t)
	for _, d := range r.slots.begunBy(r.id.Load()) {
		d.BrokenOff()
	}
}

// force begins a new generation.
func (r *recorder) force() {
	r.forcing.share(func() {
		t := nanotime()
		traceAdvance(false)
		now := nanotime()
		r.advance.Store(now - t)
		r.forced.Store(now)
	})
}

// boundary begins a new generation of a running trace, with which a .trace file
// can begin.
func (r *recorder) boundary() {
	if bubbled() {
		return
	}
	r.mu.Lock()
	running := r.q != nil && r.ring == nil
	if r.ring != nil {
		r.pullLocked() // reading the ring begins one
	}
	r.mu.Unlock()
	if running {
		r.force()
	}
}

// catchUp makes the engine know everything up to now, and reports whether it does.
func (r *recorder) catchUp() bool { return r.caughtUp(nanotime() + int64(patience)) }

// caughtUp is catchUp for those who wait until that moment, and not longer but for
// the runtime to end a generation. Nobody can in a bubble of testing/synctest.
func (r *recorder) caughtUp(until int64) bool {
	if bubbled() || !r.lock(until) {
		return false
	}
	if r.ring != nil {
		r.pullLocked()
	}
	q, ring := r.q, r.ring != nil
	if q == nil {
		r.side.apply(theEngine())
	}
	r.mu.Unlock()
	if q == nil {
		return true
	}
	if !ring {
		r.force()
	}
	if !q.caughtUp(time.Duration(until - nanotime())) {
		return false
	}
	if q.ended() {
		// Somebody ended the recording meanwhile, and holds mu until the rest
		// has been worked through.
		if !r.lock(until) {
			return false
		}
		r.mu.Unlock()
	}
	return true
}

// lock takes mu, which who ends a recording holds until it has been worked through.
// It tries until that moment, and reports whether it has it.
func (r *recorder) lock(until int64) bool {
	for pause := 20 * time.Microsecond; !r.mu.TryLock(); pause = min(2*pause, time.Millisecond) {
		if nanotime() >= until {
			return false
		}
		time.Sleep(pause)
	}
	return true
}
