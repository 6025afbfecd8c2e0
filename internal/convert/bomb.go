package convert

import (
	"errors"
	"fmt"
	"io"
)

// A few kilobytes of gzip or zstd can stand for as many gigabytes as their
// maker likes. Traces and profiles shrink to a tenth or a thirtieth, JSON that
// repeats itself to a hundredth, and bombs to a thousandth.
const (
	bombRatio = 150
	bombSize  = 64 << 20
)

// ErrBomb is the error for a file that grows beyond all measure.
var ErrBomb = errors.New("it looks like a decompression bomb: decompress it by hand if it is meant")

// counted counts what is read of the compressed file.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// watched is what a decompressor gives, as long as that is believable.
type watched struct {
	r    io.Reader
	in   *counted
	n    int64
	size int64 // below, no ratio matters
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.n += int64(n)
	if w.n > w.size && w.n > bombRatio*w.in.n {
		return 0, fmt.Errorf("after %d bytes, %d decompressed: %w", w.in.n, w.n, ErrBomb)
	}
	return n, err
}
