package cprofile

import (
	"github.com/profscope/profscope/internal/session"
)

// Profile is a handle to a destination, resolved once, for functions that are
// called very often:
//
//	var work = cprofile.New("work.prof")
//
//	func handle() {
//		defer work.Start().Stop()
//		...
//	}
//
// It is safe for concurrent use. A nil Profile records nothing.
type Profile struct{ door *session.Door }

// New returns a handle to file. A name that cannot work is told by the first
// Stop, not here. See the package's documentation for names. Make it once, in a
// variable: looking a name up takes microseconds, and a handle with OnCall or
// OnError is kept for the program's life.
func New(file string, opts ...Option) *Profile {
	return &Profile{session.Open(file, opts...)}
}

func (p *Profile) enabled() bool { return p != nil && p.door != nil }

// Scope is an open scope. The zero Scope is harmless.
type Scope struct{ s session.Scope }

// Start opens a scope on the calling goroutine. It allocates nothing once a
// recording runs.
func (p *Profile) Start() Scope {
	if p == nil || p.door == nil {
		return Scope{}
	}
	return Scope{p.door.Begin()}
}

// Stop ends the scope, on whichever goroutine. The second Stop of a scope does
// nothing. It returns the error of writing the file where that happens before
// it returns; the package's documentation says when.
func (s Scope) Stop() error { return s.s.End() }

// Stats returns the exact totals so far: finished calls, and of open calls the
// time booked. With %n in the name it is zero: each call has a file of its own,
// and OnCall gives its numbers.
func (p *Profile) Stats() Stats {
	if !p.enabled() {
		return Stats{}
	}
	return statsOf(p.door.Stats())
}

// Flush writes everything recorded so far, open scopes too, and returns when
// it is durable. Scopes stay open. A program whose scopes end many times a
// second calls it at the end of main:
//
//	defer cprofile.Flush()
func Flush() error {
	return session.Flush()
}
