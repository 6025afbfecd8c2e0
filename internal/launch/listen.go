package launch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// listener takes connections of this user alone.
type listener struct {
	l      *net.UnixListener
	path   string
	bound  os.FileInfo // the socket, whatever is at path by now
	arrive func()      // called for each connection, in their order; may be nil
	last   chan struct{}
	once   sync.Once

	mu    sync.Mutex
	conns map[net.Conn]bool
	wait  sync.WaitGroup
}

// listen gives the socket its name whatever was there: the name is the caller's,
// who has locked the folder, or made it for itself.
func listen(path string, arrive func(), serve func(*net.UnixConn)) (*listener, error) {
	if err := checkSocketPath(path); err != nil {
		return nil, err
	}
	// Between its begin and its first moment of listening a socket refuses as one
	// does whose program is gone, and whoever lists sessions removes it. So it is
	// given its name when it listens.
	unnamed := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%x", rand.Uint32()))
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: unnamed, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	var bound os.FileInfo
	if err = os.Chmod(unnamed, 0o600); err == nil {
		bound, err = os.Lstat(unnamed)
	}
	if err == nil {
		err = os.Rename(unnamed, path)
	}
	if err != nil {
		l.Close()
		_ = os.Remove(unnamed)
		return nil, err
	}
	n := &listener{l: l, path: path, bound: bound, arrive: arrive, last: make(chan struct{}), conns: map[net.Conn]bool{}}
	n.wait.Add(1)
	go n.accept(serve)
	return n, nil
}

func (n *listener) accept(serve func(*net.UnixConn)) {
	defer n.wait.Done()
	defer close(n.last)
	for {
		c, err := n.l.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors
			continue
		}
		if c.RemoteAddr().String() == n.path+sentinel {
			c.Close()
			return
		}
		if err := ours(c); err != nil {
			c.Close()
			continue
		}
		n.mu.Lock()
		n.conns[c] = true
		n.mu.Unlock()
		if n.arrive != nil {
			n.arrive()
		}
		n.wait.Add(1)
		go func() {
			defer n.wait.Done()
			serve(c)
			c.Close()
			n.mu.Lock()
			delete(n.conns, c)
			n.mu.Unlock()
		}()
	}
}

// ours is an error if the peer is another user. Root may do everything anyway.
func ours(c *net.UnixConn) error {
	uid, err := peerUID(c)
	if err == nil && uid != os.Getuid() && uid != 0 {
		err = fmt.Errorf("the peer is user %d", uid)
	}
	return err
}

const sentinel = ".last"

// closeAfterAll ends the listening when all who have connected so far, maybe
// from a process that has ended, are taken in: we are the next in the line.
func (n *listener) closeAfterAll() {
	at := &net.UnixAddr{Name: n.path + sentinel, Net: "unix"}
	if c, err := net.DialUnix("unix", at, &net.UnixAddr{Name: n.path, Net: "unix"}); err == nil {
		<-n.last
		c.Close()
	}
	_ = os.Remove(at.Name)
	n.close()
}

// close is done once, and leaves a name alone that is another's by now. The name
// goes first: nobody takes one at which there is a listener, and until that is
// closed no other socket can have its inode.
func (n *listener) close() {
	n.once.Do(func() {
		if at, err := os.Lstat(n.path); err == nil && os.SameFile(at, n.bound) {
			_ = os.Remove(n.path)
		}
		n.l.Close()
	})
}

// end closes the connections too, and waits for those that serve them.
func (n *listener) end() {
	n.close()
	n.mu.Lock()
	for c := range n.conns {
		c.Close()
	}
	n.mu.Unlock()
	n.wait.Wait()
}
