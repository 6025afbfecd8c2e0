package dest

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// fifoStall is how long a reader of a FIFO may take no byte before the
	// write is given up: the program waits for it in stop().
	fifoStall = 5 * time.Second
	// holdBytes is how much of a stream is held back for Commit. A profile
	// fits, so Abort leaves nothing half at the reader; a long .trace does
	// not, and is not kept in memory.
	holdBytes = 1 << 20
	// pieceBytes is what is written at once; progress is seen in between.
	pieceBytes = 16 << 10
)

// streamSink writes to what cannot be replaced: a FIFO, a character device,
// an open file of the process.
type streamSink struct {
	name  string
	f     *os.File
	held  []byte
	stall time.Duration
	lost  bool // f belongs to a writing goroutine that is stuck
}

func openStream(t *target) (sink, error) {
	f, err := openDirect(t)
	if err != nil {
		return nil, failed(t.name, "open", err)
	}
	return &streamSink{name: t.name, f: f, stall: fifoStall}, nil
}

func (s *streamSink) write(p []byte) error {
	s.held = append(s.held, p...)
	if len(s.held) < holdBytes {
		return nil
	}
	return s.flush()
}

func (s *streamSink) flush() error {
	if len(s.held) == 0 {
		return nil
	}
	p := s.held
	s.held = nil // not [:0]: a stuck goroutine may read it for ever
	err := push(s.f, p, s.stall, nil)
	if errors.Is(err, ErrStalled) {
		s.lost = true
	}
	if err != nil {
		return failed(s.name, "write", err)
	}
	return nil
}

func (s *streamSink) commit() error {
	if err := s.flush(); err != nil {
		return err
	}
	s.lost = true
	if err := s.f.Close(); err != nil {
		return failed(s.name, "close", err)
	}
	return nil
}

func (s *streamSink) abort() error {
	if !s.lost {
		s.lost = true
		s.f.Close() // what was streamed is out; nothing more can be done
	}
	return nil
}

// push writes p to f and gives up with ErrStalled once f has taken no byte
// for as long as stall; f then belongs to push, which closes it as soon as the
// system lets go of it. done, if any, is called when the writing is over,
// which can be long after push has returned.
//
// The writing has a goroutine of its own, since descriptors that block know
// no deadline: stdout is one in most programs. Making it non-blocking instead
// would change it for every process that shares it. It starts at
// (*pusher).run, by which it can be told from the program's goroutines.
func push(f *os.File, p []byte, stall time.Duration, done func()) error {
	u := &pusher{f: f, p: p, done: done, moved: make(chan struct{}, 1), result: make(chan error, 1)}
	go u.run()
	t := time.NewTimer(stall)
	defer t.Stop()
	for {
		select {
		case err := <-u.result:
			return err
		case <-u.moved:
			t.Reset(stall)
		case <-t.C:
			if !u.state.CompareAndSwap(writing, abandoned) {
				return <-u.result // just in time
			}
			// Ends the write at once, where f knows deadlines.
			_ = f.SetWriteDeadline(time.Unix(1, 0))
			return ErrStalled
		}
	}
}

type pusher struct {
	f      *os.File
	p      []byte
	done   func()
	state  atomic.Int32  // who closes f: see run
	moved  chan struct{} // some bytes were taken; holds one
	result chan error    // holds one
}

const (
	writing int32 = iota
	finished
	abandoned
)

func (u *pusher) run() {
	err := u.pour()
	if u.done != nil {
		u.done()
	}
	if !u.state.CompareAndSwap(writing, finished) {
		u.f.Close()
		return
	}
	u.result <- err
}

func (u *pusher) pour() error {
	for p := u.p; len(p) > 0 && u.state.Load() == writing; {
		n, err := u.f.Write(p[:min(len(p), pieceBytes)])
		p = p[n:]
		if n > 0 {
			select {
			case u.moved <- struct{}{}:
			default:
			}
		}
		if errors.Is(err, syscall.EAGAIN) {
			// Non-blocking, but of a kind that the runtime's poller does
			// not take.
			time.Sleep(time.Millisecond)
		} else if err != nil {
			return err
		}
	}
	return nil
}
