//go:build unix

package stub

import (
	"bufio"
	"encoding/binary"
	"io"
	"strconv"
	"testing"
	"time"
)

// TestStopWhileRenewing: a program that ends does not wait for a launcher that
// is given time to catch up, beyond the time that it has for its own end.
func TestStopWhileRenewing(t *testing.T) {
	l, _ := full(t)
	r := &recorder{link: l}
	r.start()
	if r.over == nil {
		t.Skip("somebody else traces")
	}
	r.lost.Store(true)
	over := r.over
	renewed, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		r.renew(over)
		close(renewed)
	}()
	for paused := false; !paused; time.Sleep(time.Millisecond) {
		select {
		case <-renewed:
			t.Fatal("it waits for the launcher, which does not read, with the mutex")
		default:
		}
		r.mu.Lock()
		paused = !r.tracing
		r.mu.Unlock()
	}
	go func() {
		r.stop()
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-renewed:
		t.Error("the stop waits for the launcher, which does not read")
	}
	l.close()
	<-renewed
	if r.over != nil || r.tracing {
		t.Error("a recording that was stopped goes on")
	}
}

// TestStopTellsLength: a recording that found no room ends with a gap, and tells
// how long it lasted all the same.
func TestStopTellsLength(t *testing.T) {
	l, conn := full(t)
	r := &recorder{link: l}
	begin := time.Now()
	r.start()
	if r.over == nil {
		t.Skip("somebody else traces")
	}
	begun := time.Now()
	r.lost.Store(true)
	time.Sleep(20 * time.Millisecond)
	least := time.Since(begun)
	r.stop()
	most := time.Since(begin)
	gap := false
	for in := bufio.NewReader(conn); ; {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, binary.LittleEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(in, b); err != nil {
			t.Fatal(err)
		}
		gap = gap || head[0] == KindGap
		if head[0] != KindEnd {
			continue
		}
		lasted, err := strconv.ParseInt(string(b), 10, 64)
		if d := time.Duration(lasted); err != nil || !gap || d < least || d > most {
			t.Errorf("gap %t, %q: it lasted between %v and %v", gap, b, least, most)
		}
		l.close()
		return
	}
}

// TestTickEnds: nothing of a recorder is left when its launcher has gone.
func TestTickEnds(t *testing.T) {
	l, conn := full(t)
	r := &recorder{link: l}
	r.start()
	if r.over == nil {
		t.Skip("somebody else traces")
	}
	ended := make(chan struct{})
	go func(over chan struct{}) {
		r.tick(over)
		close(ended)
	}(r.over)
	go r.obey()
	conn.Close()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("it ticks on")
	}
}
