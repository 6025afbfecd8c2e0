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
	// freeEnds are the ends of a door that write before they return,
	// whatever the budget.
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
	side  sideList
	slots slotSet

	id         atomic.Int64 // of the recording, from 1
	overBudget atomic.Bool
	told       atomic.Bool // the first deferral has been logged
	hot        atomic.Bool // an end was deferred in this recording, which stays up

	first   int64        // nanotime of the first recording's start; guarded by mu
	spent   atomic.Int64 // nanoseconds in ending and writing
	advance atomic.Int64 // nanoseconds that the last forced generation took
	forced  atomic.Int64 // nanotime of it

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
// returns the word to go on with.
func (r *recorder) start() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := word.Load(); w&liveBit != 0 {
		return w
	}
	if r.first == 0 {
		r.first = nanotime()
	}
	r.hot.Store(false)
	r.judge(nanotime())
	r.startTraceLocked()
	on, off := uint64(liveBit), uint64(sideBit)
	if r.q == nil {
		on, off = liveBit|sideBit, 0
	}
	r.stop = make(chan struct{})
	go r.keep(r.stop)
	setBits(on, off)
	return word.Load()
}

// startTraceLocked starts the tracer and the analysis of what it gives. If the
// tracer is taken, r.q is nil and the edges go to the side list.
func (r *recorder) startTraceLocked() {
	q := newQueue(r.wake)
	r.id.Add(1)
	if err := trace.Start(q); err != nil {
		r.q = nil
		theEngine().Note(nil, "The execution tracer was in use by the program: what goroutines did meanwhile is unknown.")
		return
	}
	r.q, r.done = q, make(chan error, 1)
	go func(done chan<- error) { done <- theEngine().Consume(q) }(r.done)
}

const lostNote = "Somebody else ended the execution trace: what goroutines did until it was restarted is unknown."

// stopTraceLocked ends the trace and waits until it has been worked through.
func (r *recorder) stopTraceLocked() error {
	if r.q == nil {
		r.side.apply(theEngine())
		return nil
	}
	if r.ours() {
		trace.Stop()
	} else {
		theEngine().Note(nil, lostNote)
	}
	r.q.close()
	err := <-r.done
	over := r.q.overrun()
	r.q = nil
	if over {
		theEngine().Note(nil, "The trace came faster than it could be analysed: part of the time is unknown.")
		err = nil
	}
	return errors.Join(err, theEngine().Ended(nanotime()))
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

// ours makes sure that the trace.Start slot is still ours, by a generation
// that must arrive at our writer: somebody else may have called trace.Stop and
// then trace.Start, and to stop theirs would be worse than any lost profile.
func (r *recorder) ours() bool {
	if !trace.IsEnabled() {
		return false
	}
	before := r.q.written.Load()
	r.force()
	return r.q.written.Load() != before
}

// force begins a new generation.
func (r *recorder) force() {
	t := nanotime()
	traceAdvance(false)
	now := nanotime()
	r.advance.Store(now - t)
	r.forced.Store(now)
}

// finish ends the recording if no scope is open and writes what is due.
// It returns the error of writing d.
func (r *recorder) finish(d *report.Destination) error {
	t := nanotime()
	r.mu.Lock()
	if !retire() {
		r.mu.Unlock()
		if d != nil {
			r.writeSoon(d)
		}
		return nil
	}
	close(r.stop)
	err := r.stopTraceLocked()
	r.endUnseenLocked(nanotime())
	r.mu.Unlock()
	r.cpu.release()
	if err != nil {
		err = fmt.Errorf("profscope: end the recording: %w", err)
	}
	for _, x := range theEngine().Dirty(true) {
		werr := theEngine().Write(x, false, true)
		if x == d {
			err = errors.Join(err, werr)
		} else if werr != nil {
			tell(x.OnError(), werr)
		}
	}
	r.spend(t)
	return err
}

// spend books the time since t on the budget for ending and writing: a
// twentieth of the time since the first scope, plus 50 ms.
func (r *recorder) spend(t int64) {
	now := nanotime()
	r.spent.Add(now - t)
	r.judge(now)
}

// judge decides whether ends may write before they return. A recording in which
// one was deferred stays deferred, or the twentieth would be spent, several
// times a second, on restarting it.
func (r *recorder) judge(now int64) {
	r.overBudget.Store(r.hot.Load() || r.spent.Load() > (now-r.first)/20+int64(50*time.Millisecond))
}

// deferred notes that an end has left writing to the keeper.
func (r *recorder) deferred(d *report.Destination) {
	if !r.hot.Load() {
		r.hot.Store(true)
	}
	if r.told.Swap(true) {
		return
	}
	slog.Info("profscope: a scope ends many times a second; its file is now written at most once a second, and 50 ms after the last scope. Put defer cprofile.Flush() into main, or the last part is lost.", "destination", d.Target())
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
	q := r.q
	if q == nil {
		r.side.apply(theEngine())
	}
	r.mu.Unlock()
	if q == nil {
		return true
	}
	r.force()
	return q.caughtUp(patience)
}

// wantSamples starts the CPU profile for a scope that wants samples.
func (r *recorder) wantSamples() {
	if !r.cpu.want.Swap(true) {
		r.cpu.ensure(theEngine().Samples())
	}
}

func tell(onError func(error), err error) {
	if onError != nil {
		onError(err)
		return
	}
	slog.Error(err.Error())
}
