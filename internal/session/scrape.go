package session

import (
	"context"
	"errors"
	"io"
	"runtime/pprof"
	"time"

	"github.com/profscope/profscope/internal/report"
)

// What /debug/pprof of net/http/pprof gives must be given while a recording
// holds the tracer and the CPU profile: from what the recording has.

// ErrTracing is the error for an execution trace where somebody else holds the
// tracer, in runtime/trace's words.
var ErrTracing = errors.New("tracing is already enabled")

// hold keeps a recording up, or begins one, as an open scope does.
func (r *recorder) hold() error {
	if bubbled() { // even a recording that runs could not be waited for
		return errBubble
	}
	if w := opened(); w&liveBit == 0 {
		r.start()
	}
	return nil
}

// release ends hold. A recording without scopes is ended by the keeper.
func (r *recorder) release() { closed() }

// WriteCPU takes a CPU profile for d, or until ctx ends, and writes it to w:
//
//  1. Where our CPU profile runs, its samples are in the trace, and the profile
//     is made of those.
//  2. Where it runs and there is no trace to read, ours gives way.
//  3. Else it is the runtime's own. Should a scope begin meanwhile, its samples
//     are in the trace; when it ends, ours takes over at once.
//
// While somebody else has the CPU profile it is the runtime's error.
func WriteCPU(ctx context.Context, d time.Duration, w io.Writer) error {
	if !rec.cpu.shared() || word.Load()&(liveBit|sideBit) != liveBit {
		done, err := rec.cpu.lend(ctx, d, w)
		if done {
			return err
		}
	}
	if err := rec.hold(); err != nil {
		return err
	}
	defer rec.release()
	rec.wantSamples()
	e := theEngine()
	id := rec.id.Load()
	s := e.NewSampler(nanotime())
	wait(ctx, d)
	end := nanotime()
	var notes []string
	if !rec.catchUp() || rec.id.Load() != id {
		notes = append(notes, "note: the execution trace was interrupted meanwhile: samples are missing.")
	}
	return e.EndSampler(s, end, w, notes...)
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// shared reports whether a CPU profile runs that we have started.
func (c *cpuProfile) shared() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lent || c.profile != nil && !c.profile.over()
}

// lend runs a CPU profile of the runtime's for a scraper. It does nothing, and
// reports false, while it does so for another.
func (c *cpuProfile) lend(ctx context.Context, d time.Duration, w io.Writer) (done bool, err error) {
	c.mu.Lock()
	if c.lent {
		c.mu.Unlock()
		return false, nil
	}
	if c.profile != nil {
		if !c.profile.over() {
			pprof.StopCPUProfile()
		}
		c.profile = nil
	}
	if err := pprof.StartCPUProfile(w); err != nil {
		c.mu.Unlock()
		return true, err
	}
	c.lent = true
	c.mu.Unlock()
	wait(ctx, d)
	c.mu.Lock()
	pprof.StopCPUProfile()
	c.lent, c.foreign, c.until = false, false, time.Time{}
	c.mu.Unlock()
	if live() && c.wanted() {
		c.ensure(theEngine().Samples())
	}
	return true, nil
}

// WriteTrace records an execution trace for d, or until ctx ends, and writes it
// to w while it comes. It is what the recording has of that time, in whole
// generations. begin is called before the first byte, where there will be any.
// The end of ctx ends the recording alone, as it does in net/http/pprof: it is also
// that of a client that has closed its half of the connection and waits for the
// rest. One that is gone, or reads no more, has w fail.
func WriteTrace(ctx context.Context, d time.Duration, w io.Writer, begin func()) error {
	if err := rec.hold(); err != nil {
		return err
	}
	defer rec.release()
	e := theEngine()
	t := e.NewTap()
	defer e.Untap(t)
	if !rec.traced() {
		return ErrTracing
	}
	begin()
	rec.boundary()
	written := make(chan error, 1)
	go func() { written <- writeTap(t, w) }()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case err := <-written: // the client has gone, or the recording has ended under us
		return err
	}
	rec.catchUp()
	e.Ending(t)
	rec.boundary() // if a generation is being read, that ends it
	return <-written
}

func writeTap(t *report.Tap, w io.Writer) error {
	_, err := t.WriteTo(w)
	return err
}

// traced reports whether the recording is a trace of our own.
func (r *recorder) traced() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.q != nil && r.ring == nil
}
