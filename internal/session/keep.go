package session

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"runtime/trace"
	"sync/atomic"
	"time"
)

// ErrNotKept is the error for a time before now of which nothing is kept.
var ErrNotKept = errors.New("nothing is kept of the time before: set PROFSCOPE_KEEP in the environment, to 30s say")

// keepBytes bounds the ring, whatever its age.
const keepBytes = 64 << 20

// kept is the ring of the process: the last of its execution trace, in
// runtime/trace's FlightRecorder, with CPU samples.
var kept keptRing

type keptRing struct {
	mu   quietMutex    // taken with recorder.mu held, never the other way round
	age  time.Duration // 0: nothing is kept
	fr   *trace.FlightRecorder
	told bool // that the FlightRecorder is somebody else's
	lent bool // to a recording that has no other way

	on atomic.Bool // a ring is running
}

// Keep keeps the last of the execution trace from now on, of at least that age
// where it fits into 64 MiB, for as long as the process lives. Called again, the
// longest age counts. The process's FlightRecorder and CPU profile are in use by
// then; whoever had them before keeps them.
func Keep(age time.Duration) {
	if off || age <= 0 {
		return
	}
	k := &kept
	k.mu.Lock()
	defer k.mu.Unlock()
	first := k.age == 0
	if age <= k.age {
		return
	}
	k.age = age
	if k.fr != nil { // a ring of another age
		k.fr.Stop()
		k.fr = nil
		k.on.Store(false)
	}
	if !k.lent {
		k.startLocked()
	}
	if first {
		rec.cpu.kept.Store(true)
		rec.cpu.ensure(theEngine().Samples())
		go keepUp()
	}
}

func (k *keptRing) startLocked() {
	fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: k.age, MaxBytes: keepBytes})
	if err := fr.Start(); err != nil {
		if !k.told {
			k.told = true
			k.mu.log(func() {
				slog.Warn("profscope: the last of the execution trace is not kept while somebody else has the FlightRecorder", "error", err)
			})
		}
		return
	}
	k.fr, k.told = fr, false
	k.on.Store(true)
}

// keepUp gets back, for the life of the process, what somebody else had.
func keepUp() {
	for range time.Tick(time.Second) {
		rec.cpu.ensure(theEngine().Samples())
		kept.regain()
	}
}

func (k *keptRing) regain() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fr == nil && !k.lent {
		k.startLocked()
	}
}

// lend gives the FlightRecorder to a recording that has no other way, until it
// is given back: the ring begins anew after it.
func (k *keptRing) lend() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lent = true
	if k.fr != nil {
		k.fr.Stop()
		k.fr = nil
		k.on.Store(false)
	}
}

func (k *keptRing) giveBack() {
	k.mu.Lock()
	k.lent = false
	k.mu.Unlock()
}

// Keeping reports whether a ring is kept.
func Keeping() bool { return kept.on.Load() }

// length returns how much of the past the ring keeps at least, where it fits.
func (k *keptRing) length() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.age
}

// read returns what the ring has up to now.
func (k *keptRing) read() ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fr == nil {
		return nil, ErrNotKept
	}
	var b bytes.Buffer
	if _, err := k.fr.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("profscope: read what is kept: %w", err)
	}
	return b.Bytes(), nil
}

// AddPast adds to the recording what is kept of the time d before it began.
func (p *Process) AddPast(d time.Duration) error {
	b, err := kept.read()
	if err != nil {
		return err
	}
	_, err = theEngine().AddPast(p.door.dest, b, p.began-int64(d), p.began)
	return err
}
