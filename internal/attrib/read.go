package attrib

import (
	"errors"
	"fmt"

	"github.com/profscope/profscope/internal/wire"
)

// ErrVersion is the error for a trace newer than the parser.
var ErrVersion = errors.New("the trace is of a Go version that this build of profscope cannot read")

// Source is a recording's stream of bytes. Next returns the next piece and
// blocks until there is one; the piece is the caller's until it is given back
// with Done. ok is false at the end.
type Source interface {
	Next() (p []byte, ok bool)
	Done(p []byte)
}

// Read gives h the recording src, in the format of the running program's
// runtime. It returns nil at the end of a whole one, and ErrVersion for any
// other format. What was whole before an error has been given: a recording
// that is cut or broken is read up to its last whole generation.
//
// A panic of the reader is an error: nothing in a trace may end the host.
func Read(src Source, h wire.Handler) (err error) { return read(src, h, nil) }

// ReadAhead is Read for a file: h is called on another goroutine than the one
// that reads, but not after ReadAhead has returned.
func ReadAhead(src Source, h wire.DetailHandler) error {
	a := newAhead(h)
	err := read(src, a, a.end)
	if e := a.close(); e != nil {
		return fmt.Errorf("read trace: %w", e)
	}
	return err
}

func read(src Source, h wire.Handler, settle func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read trace: the reader panicked: %v", p)
		}
	}()
	r := wire.NewReader(h)
	r.Release, r.Settle = src.Done, settle
	for {
		p, ok := src.Next()
		if !ok {
			break
		}
		if err := r.Feed(p); err != nil {
			return readError(err)
		}
	}
	if err := r.Close(); err != nil {
		return readError(err)
	}
	return nil
}

func readError(err error) error {
	if errors.Is(err, wire.ErrFormat) {
		return fmt.Errorf("%w (%w)", ErrVersion, err)
	}
	return fmt.Errorf("read trace: %w", err)
}

// Readable reports whether a trace that begins with these bytes, the first
// sixteen, is of the format that Read knows.
func Readable(header []byte) bool { return string(header) == wire.Header }
