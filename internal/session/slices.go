package session

import (
	"time"
)

const (
	// floodWindow and floodBytes say when a trace is too much to keep up
	// with: for floodWindows windows in a row more than this many bytes of
	// events each, 8 MB or more than a million events a second. What a
	// generation's end brings at once (100,000 parked goroutines have a
	// megabyte of statuses) is no event.
	floodWindow  = int64(20 * time.Millisecond)
	floodBytes   = 160 << 10
	floodWindows = 2

	// Stepped down, the recording is on for sliceOn of each slicePeriod (or
	// longer, where a slice is dear), and tried whole again after sliceFor,
	// which doubles up to sliceMost.
	sliceOn     = 10 * time.Millisecond
	slicePeriod = 300 * time.Millisecond
	sliceFor    = 3 * time.Second
	sliceMost   = time.Minute
)

const slicedNote = "The trace came faster than it could be analysed at a bearable price: it was recorded in slices of 10 ms out of 300, and the time between them is unknown."

// flood watches the byte rate of a trace, where it is written. The zero value
// is ready.
type flood struct {
	begin int64
	bytes int
	over  int // windows in a row
}

// add counts n bytes at time t and reports whether they are too much.
func (f *flood) add(n int, t int64) bool {
	if t-f.begin > floodWindow {
		if f.bytes > floodBytes && t-f.begin < 2*floodWindow {
			f.over++
		} else {
			f.over = 0
		}
		f.begin, f.bytes = t, 0
	}
	f.bytes += n
	return f.over >= floodWindows
}

// slice steps the recording down until it has ended or the time for it is over.
func (k *keeper) slice() {
	theEngine().Note(nil, slicedNote)
	k.sliced = min(max(2*k.sliced, sliceFor), sliceMost)
	until := nanotime() + int64(k.sliced)
	var took int64 // to begin and end a slice
	for nanotime() < until {
		t := nanotime()
		if !k.pause() {
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
		took = nanotime() - t
		if !k.pass(sliceOn) {
			return
		}
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
// list. It reports whether there is a recording to go on with.
func (k *keeper) pause() bool {
	r := k.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if !k.onLocked() {
		return false
	}
	r.paused = true
	setBits(sideBit, 0)
	r.stopTraceLocked()
	return true
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
