package main

import (
	"fmt"
	"io"
	"os"
)

// maxSpool is more than a recording that somebody waited for has, and less than
// what fills a disk, should the server never end.
const maxSpool = 8 << 30

// spool is a temporary file for what comes from elsewhere and may be larger than
// the memory.
type spool struct {
	f    *os.File
	n    int64
	room int64
	name string // to be removed; "" if it has none any more
	err  error  // why it took no more
}

func newSpool(room int64) (*spool, error) {
	f, err := os.CreateTemp("", "profscope-attach-")
	if err != nil {
		return nil, err
	}
	// Without a name nothing is left of it, whatever ends us. Windows keeps it
	// until it is closed.
	s := &spool{f: f, room: room, name: f.Name()}
	s.remove()
	return s, nil
}

func (s *spool) Write(p []byte) (int, error) {
	if s.n+int64(len(p)) > s.room {
		s.err = fmt.Errorf("it has more than %d bytes, and is given up", s.room)
		return 0, s.err
	}
	n, err := s.f.Write(p)
	s.n, s.err = s.n+int64(n), err
	return n, err
}

// reader reads all of it.
func (s *spool) reader() (io.Reader, error) {
	_, err := s.f.Seek(0, io.SeekStart)
	return s.f, err
}

func (s *spool) copyTo(w io.Writer) error {
	r, err := s.reader()
	if err == nil {
		_, err = io.Copy(w, r)
	}
	return err
}

func (s *spool) close() {
	s.f.Close() // it was read
	s.remove()
}

func (s *spool) remove() {
	if s.name != "" && os.Remove(s.name) == nil {
		s.name = ""
	}
}
