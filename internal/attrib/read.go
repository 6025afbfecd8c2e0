package attrib

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/profscope/profscope/internal/wire"
	"golang.org/x/exp/trace"
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

// Read gives f every event of the recording src. It returns nil at the end of
// a whole one. The events before an error have been given: a recording that is
// cut or broken is read up to its last whole generation.
//
// The running program's own format is read by package wire, all others by
// x/exp/trace. A panic of either is an error: nothing in a trace may end the
// host.
func Read(src Source, f *Fold) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read trace: the parser panicked: %v", p)
		}
	}()
	in := &pieces{src: src}
	head, err := in.peek(len(wire.Header))
	if err != nil {
		return fmt.Errorf("read trace: %w", err)
	}
	if string(head) == wire.Header {
		return readLive(in, f)
	}
	return readAny(in, f)
}

func readLive(in *pieces, f *Fold) error {
	r := wire.NewReader(newLive(f))
	r.Release = in.src.Done
	for {
		p, ok := in.next()
		if !ok {
			break
		}
		if err := r.Feed(p); err != nil {
			return fmt.Errorf("read trace: %w", err)
		}
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("read trace: %w", err)
	}
	return nil
}

func readAny(in *pieces, f *Fold) error {
	tr, err := trace.NewReader(in)
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

// pieces is a source of which the begin has been looked at.
type pieces struct {
	src  Source
	seen [][]byte // looked at and not taken
	lent []byte   // what have is a part of
	have []byte
}

// peek returns the first n bytes, or fewer of a shorter source.
func (in *pieces) peek(n int) ([]byte, error) {
	var head []byte
	for len(head) < n {
		p, ok := in.src.Next()
		if !ok {
			if len(head) == 0 {
				return nil, io.ErrUnexpectedEOF
			}
			break
		}
		in.seen = append(in.seen, p)
		head = append(head, p...)
	}
	return head[:min(n, len(head))], nil
}

func (in *pieces) next() ([]byte, bool) {
	if len(in.seen) > 0 {
		p := in.seen[0]
		in.seen = in.seen[1:]
		return p, true
	}
	return in.src.Next()
}

// Read makes a reader of what is left.
func (in *pieces) Read(p []byte) (int, error) {
	for len(in.have) == 0 {
		if in.lent != nil {
			in.src.Done(in.lent)
			in.lent = nil
		}
		b, ok := in.next()
		if !ok {
			return 0, io.EOF
		}
		in.lent, in.have = b, b
	}
	n := copy(p, in.have)
	in.have = in.have[n:]
	return n, nil
}
