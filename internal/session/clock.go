package session

import (
	_ "unsafe" // for go:linkname
)

// nanotime is the clock that the trace's timestamps are taken from.
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64

// traceAdvance ends the trace's current generation and begins the next, so
// that the parser gets to see it. golang.org/x/exp/trace links it too, which
// is why the runtime keeps it linkable. It must not be called from inside a
// trace writer.
//
//go:linkname traceAdvance runtime.traceAdvance
func traceAdvance(stopTrace bool)
