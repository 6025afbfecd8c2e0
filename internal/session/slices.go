package session

import "time"

const (
	// Stepped down, the recording is on for sliceOn of each slicePeriod, or
	// longer, where a slice is dear.
	sliceOn     = 10 * time.Millisecond
	slicePeriod = 300 * time.Millisecond
)

const slicedNote = "The trace came faster than it could be analysed at a bearable price: it was recorded in slices of 10 ms out of 300, and the time between them is unknown."

// slice steps the recording down until it has ended, or a slice shows that the
// flood is over. It may have been short: where the machine is busy, the runtime
// spins for as long as a thread that it waits for gets no core.
func (k *keeper) slice() {
	theEngine().Note(nil, slicedNote)
	var took, lasted int64 // to begin and end a slice; the slice itself
	for {
		t := nanotime()
		bytes, ok := k.pause()
		if !ok {
			return
		}
		if lasted > 0 && bytes*int64(floodWindow) < floodBytes*lasted {
			k.resume()
			return
		}
		took += nanotime() - t
		// With many parked goroutines a slice's begin and end are dear, for each
		// writes the status of all: they too may take a twentieth of the time.
		wait := max(slicePeriod-sliceOn, time.Duration(20*took))
		if !k.pass(wait) {
			return
		}
		t = nanotime()
		if !k.resume() {
			return
		}
		began := nanotime()
		took = began - t
		if !k.pass(sliceOn) {
			return
		}
		lasted = nanotime() - began
	}
}

// pass lets d go by, with what the keeper does at every tick, and reports
// whether the recording is still on.
func (k *keeper) pass(d time.Duration) bool {
	for ; d > 0; d -= tick {
		select {
		case <-k.stop:
			return false
		case <-time.After(min(d, tick)):
		}
		if d >= tick {
			k.beat()
		}
	}
	return true
}

// pause ends the trace while scopes stay open; their edges go to the side
// list. It returns how many bytes of threads' events came since the last
// generation was forced, and whether there is a recording to go on with.
func (k *keeper) pause() (bytes int64, ok bool) {
	r := k.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if !k.onLocked() {
		return 0, false
	}
	r.paused = true
	setBits(sideBit, 0)
	q := r.q
	r.stopTraceLocked()
	if q != nil {
		bytes = q.generation.Load()
	}
	return bytes, true
}

// resume begins a trace again after pause.
func (k *keeper) resume() bool {
	r := k.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if !k.onLocked() {
		return false
	}
	r.paused = false
	r.reconcileLocked()
	r.startTraceLocked()
	return true
}

// onLocked reports whether the keeper's own recording is live: the next one
// may have begun already, with a keeper of its own.
func (k *keeper) onLocked() bool { return live() && k.r.stop == k.stop }
