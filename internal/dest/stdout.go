package dest

import (
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

// stdoutStall is how long stdout's reader may take no byte before a write to
// it is given up. It is long: somebody may be paging through the output, and
// the program's own printing waits for that reader as well.
const stdoutStall = time.Minute

// IsStdout tells names that mean the standard output. The system's own names
// for it are among them, as opening those begins a redirected file anew.
func IsStdout(name string) bool {
	switch name {
	case "", "-":
		return true
	case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1":
		return runtime.GOOS != "windows"
	}
	return false
}

// stdoutSink holds everything back and writes it at commit, so that a table
// is not torn apart by the program's own printing more than the system does,
// and nothing is shown of what fails.
type stdoutSink struct {
	name  string
	held  []byte
	stall time.Duration
}

// stdoutTurn is held by who writes to stdout: two tables never mix. It is
// given back when the write has ended, even if nobody waited so long, so at
// most one goroutine is ever stuck.
var stdoutTurn = make(chan struct{}, 1)

// stdoutStuck counts the writes to stdout that were given up and have not ended:
// the next one need not find that out by waiting as long.
var stdoutStuck atomic.Int32

const stuckStall = 100 * time.Millisecond

func (s *stdoutSink) write(p []byte) error {
	s.held = append(s.held, p...)
	return nil
}

func (s *stdoutSink) abort() error {
	s.held = nil
	return nil
}

// commit takes os.Stdout as it is now: programs and tests replace it.
func (s *stdoutSink) commit() error {
	if len(s.held) == 0 {
		return nil
	}
	wait := s.stall
	if stdoutStuck.Load() > 0 {
		wait = min(wait, stuckStall)
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case stdoutTurn <- struct{}{}:
	case <-t.C:
		return failed(s.name, "write", ErrStalled)
	}
	f, err := duplicateStdout()
	if err != nil {
		<-stdoutTurn
		return failed(s.name, "open", err)
	}
	const given, over = 1, 2
	var up atomic.Int32 // given: nobody waits for the write any more; over: it has ended
	err = push(f, s.held, s.stall, func() {
		if up.Swap(over) == given {
			stdoutStuck.Add(-1)
		}
		<-stdoutTurn
	})
	if errors.Is(err, ErrStalled) {
		stdoutStuck.Add(1)
		if !up.CompareAndSwap(0, given) { // it has just ended
			stdoutStuck.Add(-1)
		}
		return failed(s.name, "write", err) // push closes f
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return failed(s.name, "write", err)
	}
	return nil
}

func checkStdout(name string) error {
	if err := withStdout(func(uintptr) error { return nil }); err != nil {
		return failed(name, "check", err)
	}
	return nil
}

// withStdout lends out the descriptor of os.Stdout; it stays open meanwhile.
// Not by Fd, which makes a non-blocking file blocking for all its users.
func withStdout(do func(fd uintptr) error) error {
	f := os.Stdout
	if f == nil {
		return ErrNoStdout
	}
	c, err := f.SyscallConn()
	if err != nil {
		return noStdout(err)
	}
	var derr error
	if err := c.Control(func(fd uintptr) { derr = do(fd) }); err != nil {
		return noStdout(err)
	}
	return derr
}

// noStdout says that stdout is not there, and keeps the cause.
func noStdout(err error) error { return &closedStdout{err} }

type closedStdout struct{ err error }

func (e *closedStdout) Error() string { return ErrNoStdout.Error() + " (" + e.err.Error() + ")" }

func (e *closedStdout) Unwrap() []error { return []error{ErrNoStdout, e.err} }
