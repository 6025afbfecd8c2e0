package gotrace

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// drawFile draws a whole trace of the format that package wire reads, as the
// running program draws its own: in a third of the time that x/exp/trace and
// the tables take.
func drawFile(r io.Reader, o FileOptions) (*File, error) {
	src := &pieces{r: r}
	drawn, err := attrib.DrawFile(src, o.Timeline)
	cut := drawn.Cut
	if src.err != nil {
		cut = src.err
	}
	if cut != nil {
		cut = fmt.Errorf("at about byte %d: %w", src.read, cut)
	}
	switch {
	case drawn.Generations == 0 && cut != nil:
		return nil, o.nothing(cut)
	case drawn.Goroutines == 0 && cut != nil:
		return nil, o.nothing(fmt.Errorf("%w that can be read: %w", ErrNoGoroutine, cut))
	case drawn.Goroutines == 0:
		return nil, o.nothing(ErrNoGoroutine)
	case err != nil:
		return nil, err
	}
	f := &File{
		Whole:   &ledger.Ledger{Name: o.Name, Target: o.Name, Whole: true},
		Version: wire.Header[:len("go 1.26")],
		Begin:   time.Duration(drawn.Begin), End: time.Duration(drawn.End),
		Goroutines: drawn.Goroutines, Generations: drawn.Generations,
	}
	if cut != nil || o.Ended != "" {
		f.Warnings = []string{o.cutWarning(cut, drawn.End-drawn.Begin)}
	}
	return f, nil
}

// pieces is a file as the recording that it was.
type pieces struct {
	r    io.Reader
	read int64
	free [][]byte
	err  error
}

const pieceSize = 256 << 10

// Next implements [attrib.Source].
func (s *pieces) Next() ([]byte, bool) {
	if s.err != nil {
		return nil, false
	}
	p := make([]byte, pieceSize)
	if n := len(s.free); n > 0 {
		p, s.free = s.free[n-1][:pieceSize], s.free[:n-1]
	}
	n, err := io.ReadFull(s.r, p)
	s.read += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	s.err = err
	return p[:n], n > 0
}

// Done implements [attrib.Source].
func (s *pieces) Done(p []byte) { s.free = append(s.free, p) }
