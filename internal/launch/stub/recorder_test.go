//go:build unix

package stub

import (
	"testing"
	"time"
)

// TestStopWhileRenewing: a program that ends does not wait for a launcher that
// is given time to catch up, beyond the time that it has for its own end.
func TestStopWhileRenewing(t *testing.T) {
	l, _ := full(t)
	r := &recorder{link: l}
	r.start()
	if !r.on {
		t.Skip("somebody else traces")
	}
	r.lost.Store(true)
	renewed, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		r.renew()
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
		r.stop("exit")
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-renewed:
		t.Error("the stop waits for the launcher, which does not read")
	}
	l.close()
	<-renewed
	if r.on || r.tracing {
		t.Error("a recording that was stopped goes on")
	}
}

// TestTickEnds: nothing of a recorder is left when its launcher has gone.
func TestTickEnds(t *testing.T) {
	t.Parallel()
	l, conn := full(t)
	r := &recorder{link: l}
	go r.obey()
	ended := make(chan struct{})
	go func() {
		r.tick()
		close(ended)
	}()
	conn.Close()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("it ticks on")
	}
}
