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
	buf  bytes.Buffer
}

const ringPeriod = 500 * time.Millisecond

const ringNote = "The program ran its own execution trace: recorded through a flight recorder beside it."

// startRing returns nil if the FlightRecorder is taken too. The minimum age is
// three reading periods: with less, whole generations are lost between two
// readings of a busy program.
func startRing() *ring {
	kept.yield()
	fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: 3 * ringPeriod, MaxBytes: queueBudget / 4})
	if fr.Start() != nil {
		return nil
	}
	return &ring{fr: fr}
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
		q := gap(g.last != 0 && n != g.last+1)
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
	err := r.ring.pull(func(lost bool) *queue {
		if lost {
			theEngine().Note(nil, "Parts of the trace were lost beside the program's own: what goroutines did then is unknown.")
			r.q.close()
			<-r.done
			r.endedLocked()
			r.id.Add(1)
			r.pumpLocked(newQueue(r.wake))
		}
		return r.q
	})
	if err != nil {
		theEngine().Note(nil, "The flight recorder could not be read: part of the time is unknown.")
	}
}
