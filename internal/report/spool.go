package report

import (
	"io"
	"sync"
)

// maxSpool bounds what of the recording waits for somebody slower than it.
const maxSpool = 64 << 20

// spool is a source of what was put into it. Putting never waits. The zero
// spool is ready.
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

// cut gives up what has not been taken, as an overrun does.
func (s *spool) cut() {
	s.mu.Lock()
	s.over = true
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
	if s.more.L == nil {
		s.more.L = &s.mu
	}
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

// WriteTo writes what comes until the spool is closed; errSlow if more came
// than was taken.
func (s *spool) WriteTo(w io.Writer) (n int64, err error) {
	for {
		p, ok := s.Next()
		if !ok {
			if s.overrun() {
				return n, errSlow
			}
			return n, nil
		}
		k, err := w.Write(p)
		n += int64(k)
		s.Done(p)
		if err != nil {
			return n, err
		}
	}
}
