package attrib

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/exp/trace"
)

// ErrVersion is the error for a trace newer than the parser.
var ErrVersion = errors.New("the trace is of a Go version that this build of profscope cannot read")

// Read gives f every event of the trace r. It returns nil at the end of a
// whole trace. The events before an error have been given: a trace that is
// cut or broken is read up to its last whole generation.
//
// A panic of the parser is an error: nothing in a trace may end the host.
func Read(r io.Reader, f *Fold) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read trace: the parser panicked: %v", p)
		}
	}()
	tr, err := trace.NewReader(r)
	if err != nil {
		return headerError(err)
	}
	for {
		e, err := tr.ReadEvent()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read trace: %w", err)
		}
		f.Event(&e)
	}
}

// headerError tells a version to come, which the parser has no type for, from
// all else that a header can be.
func headerError(err error) error {
	if strings.Contains(err.Error(), "unsupported") {
		return fmt.Errorf("%w (%w)", ErrVersion, err)
	}
	return fmt.Errorf("read trace: %w", err)
}
