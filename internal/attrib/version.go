package attrib

import (
	"bytes"
	"errors"

	"golang.org/x/exp/trace"
)

// Readable reports whether the parser knows the version of the trace that
// begins with these bytes, of which it needs the first sixteen.
func Readable(header []byte) bool {
	_, err := trace.NewReader(bytes.NewReader(header))
	return err == nil || !errors.Is(headerError(err), ErrVersion)
}
