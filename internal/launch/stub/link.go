//go:build unix

package stub

import (
	"encoding/binary"
	"os"
	"sync"
	"syscall"
	"time"
)

// maxQueued bounds what waits for the launcher.
const maxQueued = 64 << 20

// lowDescriptors stay as they would be without us: programs are handed
// descriptors by number.
const lowDescriptors = 200

// link is the way to the launcher. The runtime calls its writer with trace
// bytes and must not be held up, so they are copied and sent by a goroutine.
type link struct {
	f  *os.File
	fd int // of f; for use under mu, while it is not closed

	mu     sync.Mutex
	more   sync.Cond // something is queued, or all is sent
	queue  [][]byte
	size   int  // of the queue and of what is being sent
	closed bool // the launcher has gone
}

func dial(path string) (*link, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	if high, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD, lowDescriptors); errno == 0 {
		syscall.Close(fd)
		fd = int(high)
	}
	syscall.CloseOnExec(fd)
	quiet(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	l := &link{f: os.NewFile(uintptr(fd), "profscope launcher"), fd: fd}
	l.more.L = &l.mu
	return l, nil
}

// put sends a message, or queues what the socket has no room for, and reports
// whether there was room at all. It does not wait. What is sent at once
// survives a crash that follows.
func (l *link) put(kind byte, payload []byte) bool {
	b := make([]byte, 5+len(payload))
	b[0] = kind
	binary.LittleEndian.PutUint32(b[1:], uint32(len(payload)))
	copy(b[5:], payload)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || kind == KindTrace && l.size+len(b) > maxQueued {
		return false
	}
	if l.size == 0 {
		n, err := send(l.fd, b)
		if err != nil && err != syscall.EAGAIN && err != syscall.EINTR {
			return false // the sender, or the reader, will find that out
		}
		if b = b[max(n, 0):]; len(b) == 0 {
			return true
		}
	}
	l.queue = append(l.queue, b)
	l.size += len(b)
	l.more.Broadcast()
	return true
}

// send is the goroutine that sends what was queued.
func (l *link) send() {
	for {
		l.mu.Lock()
		for len(l.queue) == 0 && !l.closed {
			l.more.Wait()
		}
		batch, closed := l.queue, l.closed
		l.queue = nil
		l.mu.Unlock()
		if closed {
			return
		}
		for _, b := range batch {
			if err := l.write(b); err != nil {
				l.close()
				return
			}
			l.mu.Lock()
			l.size -= len(b)
			l.more.Broadcast()
			l.mu.Unlock()
		}
	}
}

// write sends all of b, and waits where it must.
func (l *link) write(b []byte) error {
	raw, err := l.f.SyscallConn()
	if err != nil {
		return err
	}
	var sendErr error
	err = raw.Write(func(fd uintptr) bool {
		for len(b) > 0 {
			n, err := send(int(fd), b)
			switch err {
			case nil:
				b = b[n:]
			case syscall.EINTR:
			case syscall.EAGAIN:
				return false // called again when there is room
			default:
				sendErr = err
				return true
			}
		}
		return true
	})
	if err == nil {
		err = sendErr
	}
	return err
}

// drain waits until all is sent, the launcher has gone, or d is over.
func (l *link) drain(d time.Duration) {
	over := false
	t := time.AfterFunc(d, func() {
		l.mu.Lock()
		over = true
		l.more.Broadcast()
		l.mu.Unlock()
	})
	defer t.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.size > 0 && !l.closed && !over {
		l.more.Wait()
	}
}

func (l *link) close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		l.queue, l.size = nil, 0
		l.f.Close()
	}
	l.more.Broadcast()
	l.mu.Unlock()
}
