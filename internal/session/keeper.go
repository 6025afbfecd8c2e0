package session

import (
	"runtime"
	"runtime/trace"
	"slices"
	"time"

	"github.com/profscope/profscope/internal/report"
)

// probe is the writer of a trace.Start that is meant to fail.
type probe struct{}

func (probe) Write(p []byte) (int, error) { return len(p), nil }

// keeper is what one recording's keeper goroutine knows. The next recording's
// may begin before it has ended.
type keeper struct {
	r         *recorder
	stop      chan struct{} // closed when the recording ends
	lastWord  uint64
	lastWrite int64 // nanotime
}

// keep looks after a live recording, until stop is closed:
//
//  1. It forces a generation when much trace has come, and none when forcing
//     is dear (many parked goroutines: it writes the status of each).
//  2. It notices when somebody else ended our trace or our CPU profile.
//  3. It writes what ended scopes have left, at most once a second, or at
//     once where asked to.
//  4. It ends the recording when no scope was opened or open for a tick.
func (k *keeper) keep() {
	r := k.r
	tk := time.NewTicker(tick)
	defer tk.Stop()
	k.lastWrite = nanotime()
	for {
		select {
		case <-k.stop:
			return
		case <-r.wake:
			if r.flooded() {
				k.slice()
				tk.Reset(tick) // a tick of meanwhile would follow slice's own at once, and nothing is idle for so short
				continue
			}
			r.relieve()
			k.writeDue()
			continue
		case <-tk.C:
		}
		k.beat()
	}
}

// beat is what the keeper does at every tick.
func (k *keeper) beat() {
	ticks.Add(1)
	k.r.watch()
	k.writeDue()
	k.endIfIdle()
	k.r.ends.judge(nanotime())
}

// endIfIdle ends the recording if no scope was opened or open since it was
// asked last.
func (k *keeper) endIfIdle() {
	w := word.Load()
	if w&openMask == 0 && w == k.lastWord && k.r.ending.Load() == 0 { // who ends it returns the errors
		_ = k.r.finish(nil, nil) // nobody's end: it has told all errors
	}
	k.lastWord = w
}

const (
	// readNanos is about what the analysis takes for a byte of the trace.
	readNanos = 10
	// statusNanos is about what the runtime takes for a goroutine, and its stack,
	// when a generation ends.
	statusNanos = 500
)

// relieve forces a generation if one is due: when what has come would take
// twice as long to be read at the last scope's end as the generation takes,
// which is much where many goroutines are parked. It may take a twentieth of
// the time.
func (r *recorder) relieve() {
	r.mu.Lock()
	q := r.q
	r.mu.Unlock()
	if q == nil {
		return
	}
	advance := r.advance.Load()
	if advance == 0 {
		advance = int64(runtime.NumGoroutine()) * statusNanos
	}
	if q.generation.Load() < max(generationBytes, 2*advance/readNanos) || r.ringed() {
		return
	}
	q.generation.Store(0)
	if nanotime()-r.forced.Load() > 20*advance {
		r.force()
	}
}

// flooded reports whether the trace comes faster than it can be kept up with.
func (r *recorder) flooded() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.q != nil && r.ring == nil && r.q.flooded.Load()
}

func (r *recorder) ringed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ring != nil
}

// watch restarts what somebody else has ended.
func (r *recorder) watch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !live() {
		return
	}
	r.side.apply(theEngine())
	switch {
	case r.paused: // the keeper goes on itself
		return
	case r.q == nil: // sampling; is the tracer to be had meanwhile?
		if !r.tooNew && slotFree() {
			r.restartLocked()
		}
	case r.q.ended():
		// The analysis gave up: a version that it does not know, a broken
		// trace, or more than the budget.
		r.restartLocked()
	case r.ring != nil:
		if ticks.Load()%int64(ringPeriod/tick) == 0 {
			r.pullLocked()
		}
	case slotFree():
		theEngine().Note(nil, lostNote)
		r.restartLocked()
	case r.silent() && !r.ours():
		// Somebody else ended our trace and began their own.
		r.restartLocked()
	}
	if r.cpu.wanted() {
		r.cpu.ensure(theEngine().Samples())
	}
}

// regain restarts a trace that somebody else has ended: at once, not at the next
// tick. It may have been paused just now instead, for which nobody is to wait.
func (r *recorder) regain() {
	if word.Load()&sideBit == 0 && !bubbled() {
		r.watch()
	}
}

// slotFree reports whether nobody holds the trace.Start slot. Asking takes
// 40 ns where somebody does, and starts and stops a trace where not.
func slotFree() bool {
	if trace.Start(probe{}) != nil {
		return false
	}
	trace.Stop()
	return true
}

// restartLocked goes on with a new trace.
func (r *recorder) restartLocked() {
	setBits(sideBit, 0)
	r.stopTraceLocked()
	r.reconcileLocked()
	r.startTraceLocked()
}

// writeDue writes what was asked for and, once a second, all that is new.
func (k *keeper) writeDue() {
	due := k.r.takeSoon()
	if now := nanotime(); now-k.lastWrite >= int64(time.Second) {
		k.lastWrite = now
		for _, d := range theEngine().Dirty(false) {
			if due == nil {
				due = make(map[*report.Destination]bool)
			}
			due[d] = true
		}
	}
	if due != nil {
		k.r.writeAll(due)
	}
}

// writeAll writes destinations while the recording goes on.
func (r *recorder) writeAll(ds map[*report.Destination]bool) {
	t := nanotime()
	r.catchUp()
	var news []func()
	due := slices.DeleteFunc(theEngine().All(), func(d *report.Destination) bool { return !ds[d] })
	for i, err := range theEngine().WriteAll(due, report.Attempt{Live: live, Late: tellLate}) {
		news = append(news, due[i].Telling(err, nil, logError))
	}
	r.ends.spend(t)
	for _, tell := range news {
		tell()
	}
}
