package session

import (
	"bytes"
	"runtime/trace"
	"time"

	"github.com/profscope/profscope/internal/wire"
)

// ring records through a FlightRecorder where the program's own trace.Start
// holds the tracer. A FlightRecorder has no stream: it keeps the last
// generations, so it is read every half second, and what came before is told
// by its generation's number.
type ring struct {
	fr   *trace.FlightRecorder
	last uint64 // number of the last generation that was passed on
	from int64  // nanotime of the start
	buf  bytes.Buffer
}

const ringPeriod = 500 * time.Millisecond

const ringNote = "Another execution trace ran, the program's own or its launcher's: recorded through a flight recorder beside it."

// ringAge is the age that the ring has at least: with less than three reading
// periods, whole generations are lost between two readings of a busy program.
const ringAge = 3 * ringPeriod

// startRing returns nil if the FlightRecorder is taken too.
func startRing() *ring {
	kept.lend()
	fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: ringAge, MaxBytes: queueBudget / 4})
	if fr.Start() != nil {
		kept.giveBack()
		return nil
	}
	return &ring{fr: fr, from: nanotime()}
}

func (g *ring) stop() {
	g.fr.Stop()
	kept.giveBack()
}

// pull passes new generations on to the queue that gap returns, which is asked
// for the current one with false and for a new one, after generations that are
// lost, with true.
func (g *ring) pull(gap func(lost bool) *queue) error {
	g.buf.Reset()
	if _, err := g.fr.WriteTo(&g.buf); err != nil {
		return err
	}
	var header []byte
	for n, b := range wire.Generations(g.buf.Bytes()) {
		switch {
		case n == 0:
			header = b
			continue
		case n <= g.last:
			continue
		}
		lost := n != g.last+1
		if g.last == 0 { // the number of the first is not known
			lost = nanotime()-g.from > int64(ringAge)
		}
		q := gap(lost)
		if q.written.Load() == 0 {
			_, _ = q.Write(header)
		}
		end := len(b) - 1 // apart, as the tracer writes it
		_, _ = q.Write(b[:end])
		_, _ = q.Write(b[end:])
		g.last = n
	}
	return nil
}

// pullLocked reads the ring. The caller holds r.mu.
func (r *recorder) pullLocked() {
	gaps := false
	err := r.ring.pull(func(lost bool) *queue {
		if lost {
			theEngine().Note(nil, "Parts of the trace were lost beside the program's own: what goroutines did then is unknown.")
			r.q.close()
			<-r.done
			gaps = true
			r.endedLocked(lastEvent)
			r.id.Add(1)
			r.pumpLocked(newQueue(r.wake))
		}
		return r.q
	})
	if err != nil {
		theEngine().Note(nil, "The flight recorder could not be read: part of the time is unknown.")
	}
	if gaps && r.q.caughtUp(patience) {
		// Not before: what has come since the gap tells its own edges best. What
		// this recording's scopes did, the ring has yet to tell.
		r.matchLocked(r.id.Load())
	}
}
