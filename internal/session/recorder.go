package session

import (
	"log/slog"
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
	mu    quietMutex // transitions: start, finish, restart
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
	due := theEngine().Dirty(true)
	for i, werr := range theEngine().WriteAll(due, report.Attempt{Final: true, Live: live, For: d, Late: tellLate}) {
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
	r.paused = false
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

// wantSamples starts the CPU profile for a scope that wants samples.
func (r *recorder) wantSamples() {
	if !r.cpu.want.Swap(true) && !bubbled() { // or the keeper does it
		r.cpu.ensure(theEngine().Samples())
	}
}

// tellLate tells of a write that has outlasted whoever began it.
func tellLate(d *report.Destination, err error) { d.Telling(err, nil, logError)() }

func logError(err error) { slog.Error(err.Error()) }
