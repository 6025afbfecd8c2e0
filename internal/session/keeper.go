package session

import (
	"runtime/trace"
	"time"

	"github.com/profscope/profscope/internal/report"
)

// probe is the writer of a trace.Start that is meant to fail.
type probe struct{}

func (probe) Write(p []byte) (int, error) { return len(p), nil }

// keep looks after a live recording, until stop is closed:
//
//  1. It forces a generation when much trace has come, and none when forcing
//     is dear (many parked goroutines: it writes the status of each).
//  2. It notices when somebody else ended our trace or our CPU profile.
//  3. It writes what ended scopes have left, at most once a second, or at
//     once where asked to.
//  4. It ends the recording when no scope was opened or open for a tick.
func (r *recorder) keep(stop chan struct{}) {
	tk := time.NewTicker(tick)
	defer tk.Stop()
	lastWord, lastWrite := uint64(0), nanotime()
	for {
		select {
		case <-stop:
			return
		case <-r.wake:
			r.relieve()
			if soon := r.takeSoon(); soon != nil {
				r.writeAll(soon)
			}
			continue
		case <-tk.C:
		}
		ticks.Add(1)
		r.watch()
		now := nanotime()
		if now-lastWrite >= int64(time.Second) {
			lastWrite = now
			r.writeDirty()
		}
		w := word.Load()
		if w&openMask == 0 && w == lastWord {
			if err := r.finish(nil); err != nil {
				tell(nil, err)
			}
		}
		lastWord = w
		r.judge(now)
	}
}

// relieve forces a generation if one is due and not too dear: it may take a
// twentieth of the time.
func (r *recorder) relieve() {
	r.mu.Lock()
	q := r.q
	r.mu.Unlock()
	if q == nil || q.generation.Load() < generationBytes {
		return
	}
	q.generation.Store(0)
	if nanotime()-r.forced.Load() > 20*r.advance.Load() {
		r.force()
	}
}

// watch restarts what somebody else has ended.
func (r *recorder) watch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !live() {
		return
	}
	if r.q == nil {
		r.side.apply(theEngine())
		r.restartLocked()
	} else if trace.Start(probe{}) == nil {
		// The slot was free: our trace had been stopped.
		trace.Stop()
		theEngine().Note(nil, lostNote)
		r.restartLocked()
	} else if r.q.overrun() {
		r.restartLocked()
	}
	if r.cpu.wanted() {
		r.cpu.ensure(theEngine().Samples())
	}
}

// restartLocked goes on with a new trace, if the tracer is to be had, and
// brings scopes whose edges nobody saw in line with the doors.
func (r *recorder) restartLocked() {
	e := theEngine()
	if r.q != nil {
		if r.q.overrun() && r.ours() {
			trace.Stop()
		}
		r.q.close()
		<-r.done
		r.q = nil
		_ = e.Ended(nanotime())
	} else if trace.Start(probe{}) == nil {
		trace.Stop()
	} else {
		return // still taken
	}
	r.startTraceLocked()
	if r.q != nil {
		setBits(0, sideBit)
	} else {
		setBits(sideBit, 0)
	}
	r.side.apply(e)
	now := nanotime()
	open := r.slots.open(r.id.Load())
	known := e.OpenTasks()
	for task := range open {
		if !known[task] {
			e.BeginAt(task, -int64(task), now)
		}
	}
	r.endUnseenLocked(now)
}

func (r *recorder) writeDirty() {
	ds := theEngine().Dirty(false)
	if len(ds) == 0 {
		return
	}
	m := make(map[*report.Destination]bool, len(ds))
	for _, d := range ds {
		m[d] = true
	}
	r.writeAll(m)
}

// writeAll writes destinations while the recording goes on.
func (r *recorder) writeAll(ds map[*report.Destination]bool) {
	t := nanotime()
	r.catchUp()
	for _, d := range theEngine().All() {
		if ds[d] {
			if err := theEngine().Write(d, false, false); err != nil {
				tell(d.OnError(), err)
			}
		}
	}
	r.spend(t)
}
