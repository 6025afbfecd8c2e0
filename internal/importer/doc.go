// Package importer reads the profiles of other tools: pprof, folded stacks,
// V8's CPU profiles, Python's cProfile, Chrome traces and torch.profiler's. A reader is given bytes that are
// already decompressed, from anywhere: whatever they are, it ends soon, in
// bounded memory, with a profile or with an error that says what is wrong and
// where.
package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxInput bounds what is read whole: readers that must hold all of a file
// refuse a larger one, and say so. Reading takes twice as much for a moment.
const maxInput = 192 << 20

// ErrTooLarge is the error for an input beyond what a reader can hold.
var ErrTooLarge = errors.New("it is larger than 192 MiB, and this format can only be read whole")

func readAll(r io.Reader) ([]byte, error) { return readUpTo(r, maxInput) }

// readUpTo reads all of r, in pieces: a slice that grows is there twice each
// time, and a third time until it is collected.
func readUpTo(r io.Reader, limit int64) ([]byte, error) {
	var pieces [][]byte
	for n := int64(0); ; {
		b, err := readPiece(r, int(min(max(n, 4<<10), 4<<20)))
		n += int64(len(b))
		pieces = append(pieces, b)
		switch {
		case n > limit:
			return nil, ErrTooLarge
		case err == io.EOF:
			return bytes.Join(pieces, nil), nil
		case err != nil:
			return nil, fmt.Errorf("after %d bytes: %w", n, err)
		}
	}
}

// readPiece reads size bytes, or what there is before an error. Unlike
// io.ReadFull it leaves a reader's own ErrUnexpectedEOF what it is: that of a
// compressed file that is cut.
func readPiece(r io.Reader, size int) (b []byte, err error) {
	b = make([]byte, size)
	n := 0
	for idle := 0; n < size && err == nil; {
		k := 0
		k, err = r.Read(b[n:])
		if n += k; k > 0 {
			idle = 0
		} else if idle++; err == nil && idle == 100 {
			err = io.ErrNoProgress
		}
	}
	return b[:n], err
}
