package session

import (
	"bytes"
	"errors"
	"runtime"
)

// errBubble is the error of what cannot be done in a bubble of testing/synctest:
// the runtime ends the program when a goroutine in one waits for one outside, as
// all do that start or stop the tracer or wait for the analysis.
var errBubble = errors.New("profscope: a recording cannot begin, and nothing be waited for, in a testing/synctest bubble: open a scope before synctest.Test, and Flush after it")

// bubbled reports whether the calling goroutine is in a bubble. Only the text of
// a stack tells it, which costs microseconds: it is asked where a recording
// begins or ends, or the analysis is waited for.
func bubbled() bool {
	var buf [128]byte
	line, _, _ := bytes.Cut(buf[:runtime.Stack(buf[:], false)], []byte("\n"))
	return bytes.Contains(line, []byte("synctest bubble"))
}

// inBubble is the scope of a door that would have begun a recording in a bubble:
// its End tells why it did not.
func (d *Door) inBubble() Scope {
	e := &Door{file: d.file, o: d.o, err: errBubble, teller: d.teller}
	return e.failed(errBubble)
}
