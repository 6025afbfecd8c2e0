package session

import (
	"errors"
	"fmt"
	"time"
)

// ErrOff is the error for a recording in a process where PROFSCOPE=off
// switches everything off.
var ErrOff = errors.New("profscope: PROFSCOPE=off in the environment switches profiling off")

// Process is a scope of the whole process: all goroutines but those of the
// runtime and of profscope are its members. It shares the recording with all
// other scopes, and any number may be open at once.
type Process struct {
	door  *Door
	sc    Scope
	began int64 // nanotime
}

// OpenProcess opens one that is written to file, a name as all doors take. The
// destination is its own: an earlier recording of the same name is replaced.
//
//  1. The analysis is told to follow all goroutines.
//  2. A generation begins, in which each of them shows what it is doing.
//  3. The scope's begin is marked.
func OpenProcess(file string, opts ...Option) (*Process, error) {
	d := Open(file, append(opts, func(o *Options) { o.Whole = true })...)
	if d == nil {
		return nil, ErrOff
	}
	if d.err != nil {
		return nil, d.err
	}
	theEngine().Follow()
	if live() {
		rec.boundary()
	}
	began := nanotime() // before the mark: what is kept of earlier ends there
	return &Process{d, d.begin(true), began}, nil
}

// Close ends the scope and returns when its file is durable. What goroutines
// have been doing all the time is told at a generation's end, so one is ended
// before. A second Close does nothing.
func (p *Process) Close() error {
	if !p.sc.isOpen() {
		return nil
	}
	rec.boundary()
	if err := p.sc.End(); err != nil {
		theEngine().Unfollow()
		return err
	}
	err := workedThrough()
	if err == nil {
		err = p.Write()
	}
	theEngine().Unfollow()
	return p.door.report(err)
}

// closePatience bounds how long a recording's end waits for the analysis: nothing
// is due before that has come so far, and on a machine with too much to do a
// recording is not lost for it.
const closePatience = time.Minute

var errNotYet = fmt.Errorf("profscope: the trace had not been worked through %v after the recording's end: the file follows", closePatience)

// workedThrough waits until the engine knows everything up to now, but not in a
// bubble, where nobody can.
func workedThrough() error {
	if !live() {
		rec.settled()
		return nil
	}
	if !bubbled() && !rec.caughtUp(nanotime()+int64(closePatience)) {
		return errNotYet
	}
	return nil
}

// Discard ends the scope, if it is open, without a file: one of an earlier time
// stays as it is. Nor is a file that could not be written tried again.
func (p *Process) Discard() {
	theEngine().Discard(p.door.dest)
	if p.sc.isOpen() {
		_ = p.sc.End() // there is nothing that could fail
		theEngine().Unfollow()
	}
}

// Write writes the file, unless it has been. It does not wait for the files of
// others, as the end of a last scope does: the disk brings many to safety at once.
func (p *Process) Write() error {
	d := p.door.dest
	err := theEngine().Write(d, false, !live())
	d.Telling(err, p.door.teller, logError)()
	return err
}

// Stats returns what has been recorded so far.
func (p *Process) Stats() Stats {
	s := p.door.Stats()
	s.Elapsed += theEngine().Past(p.door.dest)
	return s
}

// Target returns the file's absolute name.
func (p *Process) Target() string { return p.door.dest.Target() }

// isOpen reports whether the scope has not been ended.
func (sc Scope) isOpen() bool { return sc.s != nil && sc.s.turn.Load() == sc.turn }
