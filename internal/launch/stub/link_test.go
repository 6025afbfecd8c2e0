//go:build unix

package stub

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// full is a link whose socket is full and whose launcher does not read.
func full(t *testing.T) (*link, net.Conn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	launcher, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer launcher.Close()
	l, err := dial(path)
	if err != nil {
		t.Fatal(err)
	}
	go l.send()
	conn, err := launcher.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	for queued := false; !queued; {
		l.put(KindTrace, make([]byte, 1<<20))
		l.mu.Lock()
		queued = l.size > 0
		l.mu.Unlock()
	}
	return l, conn
}

// TestCloseWhileSending: the sender has the descriptor and waits for the mutex,
// which who closes got first. Neither may wait for the other.
func TestCloseWhileSending(t *testing.T) {
	t.Parallel()
	for _, launcher := range []string{"reads again", "dies"} {
		l, conn := full(t)
		inTurn := func() { time.Sleep(50 * time.Millisecond) } // a mutex is given in the order of those who wait
		inTurn()                                               // the sender waits for room
		l.mu.Lock()
		closed := make(chan struct{})
		go func() {
			l.close()
			close(closed)
		}()
		inTurn()
		if launcher == "dies" {
			conn.Close()
		} else if _, err := conn.Read(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		inTurn()
		l.mu.Unlock()
		select {
		case <-closed:
		case <-time.After(time.Minute):
			t.Fatalf("the launcher %s: the link does not close", launcher)
		}
		if l.put(KindEnd, nil) {
			t.Errorf("the launcher %s: a closed link takes messages", launcher)
		}
		l.drain(time.Hour)
	}
}
