//go:build unix

package dest

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// openDirect opens t for writing in place. It never waits for a reader to
// come (O_NONBLOCK), and never makes a terminal ours (O_NOCTTY).
func openDirect(t *target) (*os.File, error) {
	if f := unparkFIFO(t); f != nil {
		return f, nil
	}
	var fd int
	var err error
	for {
		fd, err = unix.Open(t.path, unix.O_WRONLY|unix.O_APPEND|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			break
		}
	}
	if errors.Is(err, syscall.ENXIO) && t.info.Mode()&fs.ModeNamedPipe != 0 {
		return nil, ErrNoReader
	}
	if err != nil {
		return nil, err
	}
	if fd <= 2 {
		// A program that has closed its stdout gives us its number, and
		// the runtime ends a program whose write to 1 or 2 meets a broken
		// pipe.
		up, err := dupAbove(fd)
		unix.Close(fd)
		if err != nil {
			return nil, err
		}
		fd = up
	}
	return os.NewFile(uintptr(fd), t.path), nil
}

// dupAbove duplicates fd to a number that is not one of the standard three.
func dupAbove(fd int) (int, error) {
	return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
}

// parked holds the FIFOs that Check has opened, by path, until Open takes
// them.
var parked struct {
	sync.Mutex
	m map[string]*os.File
}

func parkFIFO(t *target) error {
	f, err := openDirect(t) // takes what is parked, and looks after its reader
	if err != nil {
		return failed(t.name, "open", err)
	}
	parked.Lock()
	defer parked.Unlock()
	if parked.m == nil {
		parked.m = make(map[string]*os.File)
	}
	if other := parked.m[t.path]; other != nil {
		other.Close() // of a Check at the same time; f keeps the reader
	}
	parked.m[t.path] = f
	return nil
}

// unparkFIFO returns the parked FIFO of t, or nil if there is none whose
// reader is still there.
func unparkFIFO(t *target) *os.File {
	parked.Lock()
	f := parked.m[t.path]
	delete(parked.m, t.path)
	parked.Unlock()
	if f == nil {
		return nil
	}
	if fi, err := f.Stat(); err == nil && os.SameFile(fi, t.info) && hasReader(f) {
		return f
	}
	f.Close()
	return nil
}

// hasReader tells whether somebody has the FIFO open for reading: without
// one, its writing end is in error.
func hasReader(f *os.File) bool {
	has := false
	c, err := f.SyscallConn()
	if err != nil {
		return false
	}
	c.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		_, err := unix.Poll(p, 0)
		has = err != nil || p[0].Revents&(unix.POLLERR|unix.POLLHUP) == 0
	})
	return has
}
