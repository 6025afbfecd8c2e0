// Package importer reads the profiles of other tools: pprof, folded stacks,
// V8's CPU profiles, Python's cProfile, Chrome traces and torch.profiler's. A reader is given bytes that are
// already decompressed, from anywhere: whatever they are, it ends soon, in
// bounded memory, with a profile or with an error that says what is wrong and
// where.
package importer

import (
	"errors"
	"fmt"
	"io"
)

// maxInput bounds what is read whole: readers that must hold all of a file
// refuse a larger one, and say so.
const maxInput = 256 << 20

// ErrTooLarge is the error for an input beyond what a reader can hold.
var ErrTooLarge = errors.New("it is larger than 256 MiB, and this format can only be read whole")

func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("after %d bytes: %w", len(b), err)
	}
	if len(b) > maxInput {
		return nil, ErrTooLarge
	}
	return b, nil
}
