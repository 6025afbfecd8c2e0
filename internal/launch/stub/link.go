//go:build unix

package stub

import (
	"encoding/binary"
	"os"
	"strconv"
	"strings"
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
	fd int // of f; for use under mu, while closed is false

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

// mark tells this program from any other that sees its environment: by the
// process id, and, for a program may take another's place under the same id, by
// the descriptor of the link, which is closed then.
func (l *link) mark() string {
	return FlagTaken + strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(l.fd)
}

// isOurs reports whether the flag is the mark of a link in this program.
func isOurs(flag string) bool {
	fd, ok := strings.CutPrefix(flag, FlagTaken+strconv.Itoa(os.Getpid())+"-")
	n, err := strconv.Atoi(fd)
	if !ok || err != nil {
		return false
	}
	var st syscall.Stat_t
	return syscall.Fstat(n, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFSOCK
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
	l.queue = append(l.queue, b)
	l.size += len(b)
	if l.pumpLocked() == syscall.EAGAIN {
		l.more.Broadcast() // the sender waits for room
	}
	return true
}

// pumpLocked sends what the socket takes now, and returns why it did not take
// all. The caller holds mu.
func (l *link) pumpLocked() error {
	for len(l.queue) > 0 {
		n, err := send(l.fd, l.queue[0])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		l.size -= n
		if l.queue[0] = l.queue[0][n:]; len(l.queue[0]) == 0 {
			l.queue = l.queue[1:]
		}
	}
	l.queue = nil
	return nil
}

// send is the goroutine that waits for room.
func (l *link) send() {
	raw, err := l.f.SyscallConn()
	for err == nil {
		l.mu.Lock()
		for len(l.queue) == 0 && !l.closed {
			l.more.Wait()
		}
		closed := l.closed
		l.mu.Unlock()
		if closed {
			return
		}
		var failed error
		err = raw.Write(func(uintptr) bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.closed {
				return true
			}
			failed = l.pumpLocked()
			l.more.Broadcast()
			return failed != syscall.EAGAIN // called again when there is room
		})
		if err == nil {
			err = failed
		}
	}
	l.close()
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

// close gives the socket back. The file is closed without mu: Close waits until
// nobody uses the descriptor any more, and send does while it waits for mu.
func (l *link) close() {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	l.queue, l.size = nil, 0
	l.more.Broadcast()
	l.mu.Unlock()
	if first {
		l.f.Close()
	}
}
