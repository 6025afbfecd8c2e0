//go:build unix

package report

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/trace"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/profscope/profscope/internal/dest"
	"github.com/profscope/profscope/internal/wire"
)

// pieces is a source of a recording that is over.
type pieces [][]byte

func (p *pieces) Write(b []byte) (int, error) {
	*p = append(*p, bytes.Clone(b))
	return len(b), nil
}

func (p *pieces) Next() ([]byte, bool) {
	if len(*p) == 0 {
		return nil, false
	}
	b := (*p)[0]
	*p = (*p)[1:]
	return b, true
}

func (*pieces) Done([]byte) {}

// recorded returns a trace of at least that many bytes.
func recorded(t *testing.T, size int) *pieces {
	t.Helper()
	p := new(pieces)
	if err := trace.Start(p); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("x", 900)
	for range size / 900 {
		trace.Log(context.Background(), "filler", text)
	}
	trace.Stop()
	if got := len(bytes.Join(*p, nil)); got < size {
		t.Fatalf("recorded %d bytes, want %d", got, size)
	}
	if string((*p)[0]) != wire.Header {
		t.Skip("a trace of another format")
	}
	return p
}

// fifo makes one whose reader sees its end when hold and all writers are closed.
func fifo(t *testing.T) (name string, hold, r *os.File) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "x.trace")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	hold, err := os.OpenFile(name, os.O_RDWR, 0) // does not wait for a writer
	if err != nil {
		t.Fatal(err)
	}
	r, err = os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hold.Close(); r.Close() })
	return name, hold, r
}

// slowly reads too little, but so much that the reader does not pass for one that
// has gone, until enough is closed, and then the rest.
func slowly(r *os.File, enough <-chan struct{}) []byte {
	var b bytes.Buffer
	for piece := make([]byte, 16<<10); ; {
		select {
		case <-enough:
			_, _ = io.Copy(&b, r)
			return b.Bytes()
		case <-time.After(500 * time.Millisecond):
		}
		n, err := r.Read(piece)
		b.Write(piece[:n])
		if err != nil {
			return b.Bytes()
		}
	}
}

// TestReaderTooSlow has a reader that takes too little after the end, and one
// that takes too little before it: what waits is bounded, and both are told.
func TestReaderTooSlow(t *testing.T) {
	name, _, r := fifo(t)
	go slowly(r, nil)
	f := openRaw(output{name: name, format: dest.Trace})
	f.last = time.Millisecond
	f.write(make([]byte, 3<<20))
	if err := f.close(); !errors.Is(err, errSlow) || !strings.Contains(err.Error(), name) {
		t.Errorf("after the end: %v", err)
	}

	name, _, r = fifo(t)
	enough := make(chan struct{})
	go slowly(r, enough)
	f = openRaw(output{name: name, format: dest.Trace})
	for piece := make([]byte, 1<<20); !f.spool.overrun(); {
		f.write(piece)
	}
	f.spool.mu.Lock()
	if n := f.spool.size; n > maxSpool {
		t.Errorf("%d bytes wait", n)
	}
	f.spool.mu.Unlock()
	close(enough)
	if err := f.close(); !errors.Is(err, errSlow) || !strings.Contains(err.Error(), name) {
		t.Errorf("before the end: %v", err)
	}
}

// TestSlowReader has a .trace whose reader takes hardly anything before somebody
// else has been told all that was recorded: nobody waits for it but its own Write,
// and it misses nothing.
func TestSlowReader(t *testing.T) {
	name, hold, r := fifo(t)
	src := recorded(t, 3<<20) // more than a stream holds back
	want := bytes.Join(*src, nil)

	got, enough := make(chan []byte, 1), make(chan struct{})
	go func() { got <- slowly(r, enough) }()

	e := NewEngine()
	slow, err := e.Destination(name, &Options{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	other, err := e.Destination(filepath.Join(t.TempDir(), "y.prof"), &Options{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	slow.Started(time.Now())
	slow.Opening()
	if err := e.Consume(src); err != nil {
		t.Fatal(err)
	}
	slow.Ended()
	e.Ended(0)
	e.Stats(other)
	other.Started(time.Now())
	if err := e.Write(other, true, true); err != nil {
		t.Fatal(err)
	}

	close(enough)
	if err := e.Write(slow, true, true); err != nil {
		t.Error(err)
	}
	hold.Close() // the last writer: the reader sees the end
	if b := <-got; !bytes.Equal(b, want) {
		t.Errorf("the reader got %d bytes, want %d", len(b), len(want))
	}
}
