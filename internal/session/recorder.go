package session

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/internal/report"
)

const (
	tick      = 50 * time.Millisecond
	longTicks = int64(200 * time.Millisecond / tick)
	// freeEnds are the ends of a destination that write before they return,
	// whatever the budget. Not of a door: context.Start makes one a call.
	freeEnds = 2
	// patience bounds every wait for the analysis.
	patience = 10 * time.Second
)

// ticks is time in units of tick while a recording is live: enough to tell a
// long scope from a short one, and free.
var ticks atomic.Int64

// recorder is the one recording of the process.
type recorder struct {
	mu    sync.Mutex // transitions: start, finish, restart
	q     *queue     // nil while the trace is not ours
	done  chan error // the pump's end
	stop  chan struct{}
	wake  chan struct{}
	cpu   cpuProfile
	ends  budget
	side  sideList
	slots slotSet

	ring        *ring // in use instead of trace.Start; guarded by mu
	tooNew      bool  // the parser does not know this Go version's trace; guarded by mu
	proven      bool  // the parser does know it; guarded by mu
	toldSampled bool  // the fallback has been logged; guarded by mu
	paused      bool  // stepped down, between two slices; guarded by mu
	missed      bool  // edges that were meant for the trace may not be in it; guarded by mu

	sampling chan struct{} // closed when the fallback without a trace is to end, nil while none runs; guarded by mu

	heard int64 // bytes that the queue had when silent was asked last; guarded by mu

	id     atomic.Int64 // of the recording, from 1
	ending atomic.Int32 // how many are about to end it

	advance atomic.Int64 // nanoseconds that the last forced generation took
	forced  atomic.Int64 // nanotime of it

	forcing forcing

	// writes is held while files are written, so that the end of the last
	// scope returns after what the keeper was writing is there too.
	writes sync.Mutex

	soonMu sync.Mutex
	soon   map[*report.Destination]bool
}

var (
	rec = recorder{wake: make(chan struct{}, 1), soon: make(map[*report.Destination]bool)}

	engineOnce sync.Once
	engine     *report.Engine
)

func theEngine() *report.Engine {
	engineOnce.Do(func() { engine = report.NewEngine() })
	return engine
}

// start makes a recording live for a scope that has been counted already, and
// reports whether none was.
func (r *recorder) start() (begun bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if live() {
		return false
	}
	r.stop = make(chan struct{})
	r.ends.begin(nanotime())
	r.startTraceLocked()
	on := uint64(liveBit)
	if r.q == nil {
		on |= sideBit
	}
	go (&keeper{r: r, stop: r.stop}).keep()
	setBits(on, 0)
	return true
}

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
		slog.Warn("profscope: " + sampledNote)
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
		slog.Warn("profscope: the trace could not be read to its end, part of the time is unknown", "error", err)
	}
	r.endedLocked()
	r.side.apply(theEngine())
}

// endedLocked closes a recording that has been worked through. Scopes that stay
// open go on in the next one. What the trace shows last holds up to now, if it
// was whole, and else up to its last event.
func (r *recorder) endedLocked() {
	var t int64
	if !r.missed {
		t = nanotime()
	}
	theEngine().Ended(t)
	for _, d := range r.slots.begunBy(r.id.Load()) {
		d.BrokenOff()
	}
}

// endUnseenLocked ends the scopes whose end no trace showed: somebody else had
// ended it before.
func (r *recorder) endUnseenLocked(now int64) {
	e := theEngine()
	all := r.slots.open(0)
	for task := range e.OpenTasks() {
		if !all[task] {
			e.EndAt(task, now)
		}
	}
}

// unbindLocked forgets the scopes for a single call whose doors have ended them
// and whose edges nobody saw, or no room was for. No trace is being read.
func (r *recorder) unbindLocked() {
	e := theEngine()
	gone := r.slots.without(e.Once())
	r.side.apply(e) // what it has of them was there before they were gone
	e.Unbind(gone)
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

// finish ends the recording if no scope is open and writes what is due.
// It returns the error of writing d, which it tells everybody but caller.
func (r *recorder) finish(d *report.Destination, caller *report.Teller) error {
	t := nanotime()
	r.ending.Add(1)
	ended := r.end()
	r.ending.Add(-1)
	if !ended && (d == nil || live()) { // who has ended it writes
		if d != nil {
			d.Owe(caller)
			r.writeSoon(d)
		}
		return nil
	}
	// Where it was the keeper who ended the recording, because the caller got no
	// processor for two of its ticks, the file is as much due: the keeper may
	// not even have begun to write it.
	var err error
	var news []func()
	r.writes.Lock()
	due := theEngine().Dirty(true)
	for i, werr := range theEngine().WriteAll(due, false, true) {
		if due[i] != d {
			news = append(news, due[i].Telling(werr, nil, logError))
			continue
		}
		news = append(news, d.Telling(werr, caller, logError))
		if err = werr; err != nil {
			d.Owe(caller) // of the next attempt
		}
	}
	r.ends.spend(t)
	r.writes.Unlock()
	for _, tell := range news {
		tell()
	}
	return err
}

// end ends the recording if no scope is open, and reports whether it did. What
// is due is still to be written.
func (r *recorder) end() bool {
	r.mu.Lock()
	if !retire() {
		r.mu.Unlock()
		return false
	}
	close(r.stop)
	r.endSamplingLocked()
	r.paused, r.missed = false, false
	// Here, where no new recording can have begun: later it would take back
	// what that one's first scope wants.
	r.cpu.want.Store(false)
	r.stopTraceLocked()
	r.endUnseenLocked(nanotime())
	r.missed = false
	r.unbindLocked()
	theEngine().Reckon()
	theEngine().SetMode("") // a destination made before the next recording knows nothing of its mode
	r.mu.Unlock()
	r.cpu.release()
	return true
}

// settled waits until a recording that somebody else is ending has been worked
// through: it is not live any more by then, and nothing of it is booked.
func (r *recorder) settled() {
	r.mu.Lock()
	defer r.mu.Unlock()
}

// writeSoon asks the keeper to write d as soon as the trace has delivered
// this moment.
func (r *recorder) writeSoon(d *report.Destination) {
	r.soonMu.Lock()
	r.soon[d] = true
	r.soonMu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *recorder) takeSoon() map[*report.Destination]bool {
	r.soonMu.Lock()
	defer r.soonMu.Unlock()
	if len(r.soon) == 0 {
		return nil
	}
	s := r.soon
	r.soon = make(map[*report.Destination]bool)
	return s
}

// catchUp makes the engine know everything up to now.
func (r *recorder) catchUp() bool {
	r.mu.Lock()
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
	if !q.caughtUp(patience) {
		return false
	}
	if q.ended() {
		// Somebody ended the recording meanwhile, and holds mu until the rest
		// has been worked through.
		r.mu.Lock()
		defer r.mu.Unlock()
	}
	return true
}

// wantSamples starts the CPU profile for a scope that wants samples.
func (r *recorder) wantSamples() {
	if !r.cpu.want.Swap(true) && !bubbled() { // or the keeper does it
		r.cpu.ensure(theEngine().Samples())
	}
}

func logError(err error) { slog.Error(err.Error()) }
