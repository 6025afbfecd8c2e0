package report

import (
	"compress/gzip"
	"errors"
	"io"
	"sync"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/dest"
	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/ledger"
)

// maxSpool bounds what of the recording waits to be drawn.
const maxSpool = 64 << 20

var errSpool = errors.New("the trace came faster than it could be drawn: write a .trace and convert that, or record for less long")

// drawing is a timeline being written: a second reader of the recording, for
// the analysis looks at a tenth of what a timeline shows. It runs beside the
// analysis, which it never holds up.
type drawing struct {
	spool spool
	done  chan error
}

func openTimeline(o output) rawFile {
	d := &drawing{done: make(chan error, 1)}
	d.spool.more.L = &d.spool.mu
	go func() {
		err := d.draw(o)
		d.spool.close() // whatever comes now would only pile up
		d.done <- err
	}()
	return d
}

func (d *drawing) write(p []byte) { d.spool.put(p) }

func (d *drawing) close() error {
	d.spool.close()
	return <-d.done
}

func (d *drawing) draw(o output) error {
	return dest.Put(o.name, func(w io.Writer) error {
		zw := gzip.NewWriter(w)
		// A recording that is cut is drawn as far as it goes: that something was
		// lost is told elsewhere.
		_, err := attrib.Draw(&d.spool, func(t *ledger.Stacks) ledger.Timeline {
			switch o.format {
			case dest.Perfetto:
				return format.NewPerfetto(w, t)
			case dest.ChromeGzip:
				return format.NewChrome(zw, t)
			}
			return format.NewChrome(w, t)
		})
		if err == nil && o.format == dest.ChromeGzip {
			err = zw.Close()
		}
		if d.spool.overrun() {
			err = errSpool
		}
		return err
	})
}

// spool is a source of what was put into it. Putting never waits.
type spool struct {
	mu     sync.Mutex
	more   sync.Cond
	pieces [][]byte
	size   int
	closed bool
	over   bool // more came than is kept
}

func (s *spool) put(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.over {
		return
	}
	if s.size+len(p) > maxSpool {
		s.over = true
	} else {
		s.pieces = append(s.pieces, append([]byte(nil), p...))
		s.size += len(p)
	}
	s.more.Signal()
}

func (s *spool) close() {
	s.mu.Lock()
	s.closed = true
	s.more.Signal()
	s.mu.Unlock()
}

func (s *spool) overrun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// Next waits for a piece; there is none when the spool is closed and empty.
func (s *spool) Next() ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.pieces) == 0 || s.over {
		if s.closed || s.over {
			return nil, false
		}
		s.more.Wait()
	}
	p := s.pieces[0]
	s.pieces[0] = nil
	s.pieces = s.pieces[1:]
	return p, true
}

// Done takes back a piece that is not needed any more: until then it counts.
func (s *spool) Done(p []byte) {
	s.mu.Lock()
	s.size -= len(p)
	s.mu.Unlock()
}
