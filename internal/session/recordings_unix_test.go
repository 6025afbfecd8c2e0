//go:build unix

package session

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestResultWhileRetried: how a recording has ended is told while its file is being
// tried again and its reader takes nothing.
func TestResultWhileRetried(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.prof")
	x := failing(t, t.Name(), file)
	want := x.Result()
	full := fullFIFO(t, file)
	var stopped atomic.Bool
	again := make(chan Result)
	go func() {
		s := x.Stop()
		stopped.Store(true)
		again <- s
	}()
	for x.retry.TryLock() { // until it is at it
		x.retry.Unlock()
		time.Sleep(time.Millisecond)
	}
	got := x.Result()
	if stopped.Load() {
		t.Error("the result came after the attempt")
	}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	full.Close() // the attempt fails: nobody reads
	if s := <-again; s.Err == nil {
		t.Error("a file that nobody has read is no error")
	}
	ForgetFile(x.File())
}

// fullFIFO makes a FIFO whose reader takes nothing, and which has room for nothing,
// until it is closed.
func fullFIFO(t *testing.T, name string) *os.File {
	t.Helper()
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Open(name, syscall.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), name)
	t.Cleanup(func() { f.Close() })
	for err == nil {
		_, err = syscall.Write(fd, make([]byte, 4096))
	}
	if err != syscall.EAGAIN {
		t.Fatal(err)
	}
	return f
}
