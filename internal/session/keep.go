package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/internal/report"
)

// ErrNotKept is the error for a time before now of which nothing is kept.
var ErrNotKept = errors.New("nothing is kept of the time before: set PROFSCOPE_KEEP in the environment, to 30s say")

// keepBytes bounds the ring, whatever its age.
const keepBytes = 64 << 20

// kept is the ring of the process: the last of its execution trace, in
// runtime/trace's FlightRecorder, with CPU samples.
var kept keptRing

type keptRing struct {
	mu   sync.Mutex    // taken with recorder.mu held, never the other way round
	age  time.Duration // 0: nothing is kept
	fr   *trace.FlightRecorder
	told bool // that the FlightRecorder is somebody else's
	lent bool // to a recording that has no other way

	on atomic.Bool // a ring is running

	// Slow calls whose traces are in the ring and have not been read.
	slow     map[uint64]report.PastCall
	reading  bool
	nextRead int64 // nanotime
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
			slog.Warn("profscope: the last of the execution trace is not kept while somebody else has the FlightRecorder", "error", err)
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

// KeptScope is a scope that is only kept: whether it counts is decided at its
// end.
type KeptScope struct {
	sc    Scope
	dest  *report.Destination
	begun int64 // nanotime
}

// OnlySlow reports whether the door keeps slow calls alone.
func (d *Door) OnlySlow() bool { return d != nil && d.o.SlowerThan > 0 }

// BeginKept opens one for the door's destination, on the calling goroutine.
func (d *Door) BeginKept() KeptScope {
	if d == nil || d.dest == nil {
		return KeptScope{}
	}
	ctx, task := trace.NewTask(context.Background(), d.dest.Target())
	s := &slot{door: d, ctx: ctx, task: taskID(task), own: task, dest: d.dest}
	turn := s.turn.Add(1)
	trace.Log(s.ctx, report.CategoryBegin, "")
	return KeptScope{Scope{s, turn}, d.dest, nanotime()}
}

// Attach returns a context that carries the scope, for Join.
func (ks KeptScope) Attach(ctx context.Context) context.Context { return ks.sc.Attach(ctx) }

// End closes the scope. If it lasted at least as long as the door's SlowerThan,
// its file is written soon, from what is kept.
func (ks KeptScope) End() {
	s := ks.sc.s
	if s == nil || !s.turn.CompareAndSwap(ks.sc.turn, ks.sc.turn+1) {
		return
	}
	trace.Log(s.ctx, report.CategoryEnd, "")
	s.own.End()
	if d := s.door; !d.OnlySlow() || time.Duration(nanotime()-ks.begun) < d.o.SlowerThan {
		return
	}
	ks.dest.Started(time.Now().Add(-time.Duration(nanotime() - ks.begun)))
	k := &kept
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.slow == nil {
		k.slow = make(map[uint64]report.PastCall)
	}
	k.slow[s.task] = report.PastCall{Dest: ks.dest, Options: &s.door.o.Options}
	if !k.reading {
		k.reading = true
		go k.readSlow()
	}
}

// readSlow reads the ring for slow calls, until there are none: together those
// that came since it began the last time, for reading may take a twentieth of
// the time.
func (k *keptRing) readSlow() {
	for {
		time.Sleep(time.Duration(k.nextRead - nanotime()))
		t := nanotime()
		k.mu.Lock()
		tasks := k.slow
		k.slow = nil
		k.mu.Unlock()
		if err := k.addSlow(tasks); err != nil {
			slog.Error("profscope: slow requests are not profiled", "requests", len(tasks), "error", err)
		}
		took := nanotime() - t
		k.mu.Lock()
		k.nextRead = nanotime() + min(20*took, int64(k.age/2))
		if k.slow == nil {
			k.reading = false
			k.mu.Unlock()
			return
		}
		k.mu.Unlock()
	}
}

func (k *keptRing) addSlow(tasks map[uint64]report.PastCall) error {
	b, err := k.read()
	if err != nil {
		return err
	}
	e := theEngine()
	n, err := e.AddPastCalls(b, tasks)
	if n < len(tasks) {
		err = errors.Join(err, fmt.Errorf("of %d the begin is not kept any more", len(tasks)-n))
	}
	due := make(map[*report.Destination]bool)
	for _, p := range tasks {
		due[p.Dest] = true
	}
	rec.writes.Lock()
	var news []func()
	for d := range due {
		news = append(news, d.Telling(e.Write(d, false, !live()), nil, logError))
	}
	rec.writes.Unlock()
	for _, tell := range news {
		tell()
	}
	return err
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
