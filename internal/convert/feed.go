package convert

import (
	"context"
	"errors"
	"io"
	"os"
)

const feedSize = 64 << 10

// feed is what an input's bytes come from: every reading of a file passes
// through one. It ends when ctx does, whatever it waits for: a FIFO without a
// writer blocks while it is opened, a silent one and a terminal while they are
// read, and none of that can be told from a file's name or mode (/proc/kmsg is
// a regular file).
//
// Each read is a goroutine's, into a buffer that nobody else has, so that it
// can be left behind. Deadlines would need no goroutine: files, FIFOs that are
// being opened and inherited descriptors have none.
type feed struct {
	ctx  context.Context
	open func() (io.Reader, error)
	r    io.Reader
	buf  []byte
	rest []byte // of buf
	err  error  // what comes after rest
	left bool   // a goroutine has r and buf
	ours bool   // r is a file that was opened here
}

// Until returns a reader of r that ends when ctx does, also while r waits. A
// read that waits then is left behind.
func Until(ctx context.Context, r io.Reader) io.Reader {
	return &feed{ctx: ctx, open: func() (io.Reader, error) { return r, nil }}
}

// openFeed returns the file of that name, which is opened by the first read,
// and its size, -1 if it has none.
func openFeed(ctx context.Context, name string, stdin io.Reader) (s *feed, size int64, err error) {
	if ctx == nil {
		ctx = context.Background()
	}
	s, size = &feed{ctx: ctx}, -1
	if name == "-" {
		if stdin == nil {
			return nil, 0, errors.New("there is no standard input")
		}
		s.open = func() (io.Reader, error) { return stdin, nil }
		return s, size, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, 0, err
	}
	if info.Mode().IsRegular() {
		size = info.Size()
	}
	s.open, s.ours = func() (io.Reader, error) { return os.Open(name) }, true
	return s, size, nil
}

func (s *feed) Read(p []byte) (int, error) {
	if len(s.rest) == 0 && s.err == nil {
		s.fill()
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	if len(s.rest) > 0 {
		return n, nil
	}
	return n, s.err
}

func (s *feed) fill() {
	if s.err = s.ctx.Err(); s.err != nil {
		return
	}
	type result struct {
		n   int
		err error
	}
	came := make(chan result, 1)
	go func() {
		n, err := s.read()
		came <- result{n, err}
	}()
	select {
	case got := <-came:
		s.rest, s.err = s.buf[:got.n], got.err
	case <-s.ctx.Done():
		s.err, s.left = s.ctx.Err(), true
	}
}

func (s *feed) read() (n int, err error) {
	if s.r == nil {
		if s.r, err = s.open(); err != nil {
			return 0, err
		}
		s.buf = make([]byte, feedSize)
	}
	return s.r.Read(s.buf)
}

// close closes a file. Standard input is its owner's to close.
func (s *feed) close() {
	if s.left || !s.ours {
		return
	}
	if f, ok := s.r.(*os.File); ok {
		f.Close() // it was read
	}
}

// ended is the error of a reading that was ended from outside, nil if it was
// not. It is asked after the reading, for a reader that keeps what can be read
// of a damaged file takes an end from outside for damage.
func (s *feed) ended() error { return s.ctx.Err() }
