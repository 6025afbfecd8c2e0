package format

import "io"

// sink keeps the first error of w and writes nothing after it. A writer that
// takes fewer bytes than it was given without saying why is an error too:
// what is behind may be a pipe or a full disk.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	s.err = err
	return n, err
}
