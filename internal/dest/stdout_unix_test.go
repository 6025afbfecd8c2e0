//go:build unix

package dest

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestStdoutBrokenInside(t *testing.T) {
	r, w := pipe(t)
	swapStdout(t, w)
	r.Close()
	wantError(t, put("", "x"), "write", syscall.EPIPE)
}

// Both kinds of stdout: one that the runtime's poller serves, and one that
// blocks, as an inherited one does.
func TestStdoutStalls(t *testing.T) {
	for _, blocking := range []bool{false, true} {
		r, w := pipe(t)
		if blocking {
			w.Fd()
		}
		swapStdout(t, w)
		const stall = 50 * time.Millisecond
		wr := &Writer{sink: &stdoutSink{stall: stall}}
		wr.Write(make([]byte, 500_000))
		began := time.Now()
		wantError(t, wr.Commit(), "write", ErrStalled)
		if d := time.Since(began); d < stall {
			t.Errorf("given up after %v", d)
		}
		// The stuck write has stdout's turn; when the reader is gone, the
		// turn is free again.
		r.Close()
		for begin := time.Now(); stdoutStuck.Load() != 0; time.Sleep(time.Millisecond) {
			if time.Since(begin) > time.Minute {
				t.Fatal("the write is stuck without a reader")
			}
		}
		r2, w2 := pipe(t)
		os.Stdout = w2
		if err := put("", "next"); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 10)
		if n, err := r2.Read(buf); string(buf[:n]) != "next" {
			t.Errorf("%q, %v", buf[:n], err)
		}
	}
}

func TestStdoutBySystemName(t *testing.T) {
	r, w := pipe(t)
	swapStdout(t, w)
	if err := put("/dev/stdout", "x"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if n, _ := r.Read(buf); string(buf[:n]) != "x" {
		t.Errorf("%q", buf[:n])
	}
}

func TestStdoutTerminal(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("opens a terminal the way Linux does")
	}
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	swapStdout(t, f)
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	t.Setenv("COLUMNS", "")
	if n := StdoutWidth(); n != unknownWidth {
		t.Errorf("width %d of a terminal without a size", n)
	}
	setWidth(t, f, 137)
	t.Setenv("COLUMNS", "50") // the terminal knows better
	if n := StdoutWidth(); n != 137 {
		t.Errorf("width %d of 137", n)
	}
	if !StdoutColor() {
		t.Error("no colours on a terminal")
	}
	t.Setenv("TERM", "dumb")
	if StdoutColor() {
		t.Error("colours on a dumb terminal")
	}
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	if StdoutColor() {
		t.Error("colours in spite of NO_COLOR")
	}
}

func setWidth(t *testing.T, f *os.File, columns uint16) {
	t.Helper()
	c, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	c.Control(func(fd uintptr) { err = setWinsize(int(fd), columns) })
	if err != nil {
		t.Fatal(err)
	}
}

// The host lives on with exit code 0 when its stdout is a broken pipe, also
// when the FIFO that it writes to got stdout's number.
func TestBrokenPipeHost(t *testing.T) {
	t.Parallel()
	for _, job := range []string{"broken stdout", "broken FIFO on descriptor 1"} {
		t.Run(job, func(t *testing.T) {
			t.Parallel()
			r, w := pipe(t)
			r.Close()
			cmd := child(t, job, t.TempDir())
			cmd.Stdout = w
			var stderr strings.Builder
			cmd.Stderr = &stderr
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			if !strings.Contains(stderr.String(), "broken pipe") {
				t.Errorf("stderr: %s", stderr.String())
			}
		})
	}
}
