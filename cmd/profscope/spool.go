package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// maxSpool is more than a recording that somebody waited for has, should the
// server never end. Where less than twice of it is free, it is half of that: the
// other half is for the file that is made of it.
const maxSpool = 2 << 30

var errNoRoom = errors.New("there is no room for more")

// spool is a temporary file for what comes from elsewhere and may be larger than
// the memory.
type spool struct {
	f    *os.File
	n    int64
	room int64
	why  string // the room is no larger
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
	if free, ok := freeSpace(f); ok && free/2 < room {
		s.room, s.why = free/2, ", half of what is free in "+os.TempDir()
	}
	s.remove()
	return s, nil
}

func (s *spool) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.n+int64(len(p)) > s.room {
		s.err = fmt.Errorf("it has more than %d bytes%s: %w", s.room, s.why, errNoRoom)
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
