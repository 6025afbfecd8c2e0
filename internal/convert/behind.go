package convert

import "io"

// behind writes on a goroutine of its own, so that who draws a timeline does
// not wait for the disk: a trace of 100 MB makes one of many times that. The
// first error is kept, and given by the next Write or by close. It is not safe
// for concurrent use.
type behind struct {
	full  chan []byte
	empty chan []byte
	ended chan struct{}
	err   error // valid after ended
}

const behindBuffers = 4

func newBehind(w io.Writer) *behind {
	b := &behind{full: make(chan []byte, behindBuffers), empty: make(chan []byte, behindBuffers), ended: make(chan struct{})}
	for range behindBuffers {
		b.empty <- nil
	}
	go b.write(w)
	return b
}

func (b *behind) write(w io.Writer) {
	defer close(b.ended)
	for p := range b.full {
		n, err := w.Write(p)
		if err == nil && n < len(p) {
			err = io.ErrShortWrite
		}
		if b.err = err; err != nil {
			return
		}
		b.empty <- p[:0] // there is room for all
	}
}

func (b *behind) Write(p []byte) (int, error) {
	select {
	case buf := <-b.empty:
		b.full <- append(buf, p...)
		return len(p), nil
	case <-b.ended:
		return 0, b.err
	}
}

// close waits until all is written, and returns the first error.
func (b *behind) close() error {
	close(b.full)
	<-b.ended
	return b.err
}
