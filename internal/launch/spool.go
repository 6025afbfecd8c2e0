package launch

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// spool is a trace as it comes in: a temporary file without a name, to which
// one goroutine writes and from which any number read. It is the queue before
// the analysis, so that neither a slow one nor a long recording costs memory.
type spool struct {
	f *os.File

	mu   sync.Mutex
	more sync.Cond
	size int64
	done bool
}

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "profscope-*.trace")
	if err != nil {
		return nil, fmt.Errorf("keep the recording: %w", err)
	}
	// Nothing stays behind, however this process ends.
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("keep the recording: %w", err)
	}
	s := &spool{f: f}
	s.more.L = &s.mu
	return s, nil
}

// Write appends. It is called by one goroutine.
func (s *spool) Write(p []byte) (int, error) {
	n, err := s.f.WriteAt(p, s.size)
	s.mu.Lock()
	s.size += int64(n)
	s.more.Broadcast()
	s.mu.Unlock()
	return n, err
}

// end tells the readers that no more comes.
func (s *spool) end() {
	s.mu.Lock()
	s.done = true
	s.more.Broadcast()
	s.mu.Unlock()
}

// tail returns a reader from the begin that waits for what comes, until end.
func (s *spool) tail() io.Reader { return &tailReader{s: s} }

// prefix returns a reader of what there is now.
func (s *spool) prefix() io.Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	return io.NewSectionReader(s.f, 0, s.size)
}

func (s *spool) length() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

type tailReader struct {
	s  *spool
	at int64
}

func (t *tailReader) Read(p []byte) (int, error) {
	t.s.mu.Lock()
	for t.at >= t.s.size && !t.s.done {
		t.s.more.Wait()
	}
	left := t.s.size - t.at
	t.s.mu.Unlock()
	if left <= 0 {
		return 0, io.EOF
	}
	n, err := t.s.f.ReadAt(p[:min(int64(len(p)), left)], t.at)
	t.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}
