//go:build unix

package dest

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func mkfifo(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// reader opens a FIFO at once, and does not read yet.
func reader(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestFIFOWithoutReader(t *testing.T) {
	t.Parallel()
	name := mkfifo(t)
	wantError(t, Check(name), "open", ErrNoReader)
	wantError(t, put(name, "x"), "open", ErrNoReader)
}

func TestFIFOWithReader(t *testing.T) {
	t.Parallel()
	for _, size := range []int{5, 200_000, 3*holdBytes + 17} {
		name := mkfifo(t)
		r := reader(t, name)
		// Twice: neither Check may look like the end of the data.
		for range 2 {
			if err := Check(name); err != nil {
				t.Fatal(err)
			}
		}
		content := strings.Repeat("x", size)
		done := make(chan error, 1)
		go func() { done <- put(name, content) }()
		got, err := io.ReadAll(r)
		if err != nil || string(got) != content {
			t.Fatalf("%d bytes of %d, %v", len(got), size, err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if fi, err := os.Stat(name); err != nil || fi.Mode()&os.ModeNamedPipe == 0 {
			t.Fatalf("the FIFO is now %v, %v", fi, err)
		}
	}
}

func TestFIFOReaderLeaves(t *testing.T) {
	t.Parallel()
	name := mkfifo(t)
	r := reader(t, name)
	if err := Check(name); err != nil {
		t.Fatal(err)
	}
	w, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("x"))
	r.Close()
	wantError(t, w.Commit(), "write", syscall.EPIPE)
	wantError(t, Check(name), "open", ErrNoReader)

	// Gone between Check and Open.
	r = reader(t, name)
	if err := Check(name); err != nil {
		t.Fatal(err)
	}
	r.Close()
	wantError(t, put(name, "x"), "open", ErrNoReader)
}

func TestFIFOAbort(t *testing.T) {
	t.Parallel()
	name := mkfifo(t)
	r := reader(t, name)
	w, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("half"))
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || len(got) != 0 {
		t.Errorf("the reader got %q, %v", got, err)
	}
}

func TestFIFOReaderStalls(t *testing.T) {
	t.Parallel()
	name := mkfifo(t)
	reader(t, name)
	w, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	const stall = 50 * time.Millisecond
	w.sink.(*streamSink).stall = stall
	w.Write(make([]byte, 500_000))
	began := time.Now()
	wantError(t, w.Commit(), "write", ErrStalled)
	if d := time.Since(began); d < stall {
		t.Errorf("given up after %v", d)
	}
}

// A reader that is slow but alive is waited for.
func TestFIFOSlowReader(t *testing.T) {
	t.Parallel()
	name := mkfifo(t)
	r := reader(t, name)
	w, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	w.sink.(*streamSink).stall = time.Minute
	const size = 400_000
	w.Write(make([]byte, size))
	total := make(chan int)
	go func() {
		n, buf := 0, make([]byte, 16<<10)
		for {
			time.Sleep(time.Millisecond)
			m, err := r.Read(buf)
			n += m
			if err != nil {
				total <- n
				return
			}
		}
	}()
	if err := w.Commit(); err != nil {
		t.Error(err)
	}
	if n := <-total; n != size {
		t.Errorf("%d bytes of %d", n, size)
	}
}
