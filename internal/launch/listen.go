package launch

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// listener takes connections of this user alone.
type listener struct {
	l      *net.UnixListener
	path   string
	arrive func() // called for each connection, in their order; may be nil
	last   chan struct{}

	mu    sync.Mutex
	conns map[net.Conn]bool
	wait  sync.WaitGroup
}

func listen(path string, arrive func(), serve func(*net.UnixConn)) (*listener, error) {
	if err := checkSocketPath(path); err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	n := &listener{l: l, path: path, arrive: arrive, last: make(chan struct{}), conns: map[net.Conn]bool{}}
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
	n.l.Close()
}

// end closes the connections too, and waits for those that serve them.
func (n *listener) end() {
	n.l.Close()
	n.mu.Lock()
	for c := range n.conns {
		c.Close()
	}
	n.mu.Unlock()
	n.wait.Wait()
}
