package convert

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// repeated is a reader of head and then n times piece.
func repeated(head, piece string, n int) io.Reader {
	return io.MultiReader(strings.NewReader(head), io.LimitReader(&forever{piece: piece}, int64(n*len(piece))))
}

type forever struct {
	piece string
	at    int
}

func (f *forever) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		k := copy(p[n:], f.piece[f.at:])
		f.at = (f.at + k) % len(f.piece)
		n += k
	}
	return n, nil
}

// bomb writes what r gives, compressed, and returns the file's name.
func bomb(t *testing.T, ending string, r io.Reader) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "bomb"+ending)
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	var zw io.WriteCloser
	if ending == ".gz" {
		zw, err = gzip.NewWriterLevel(f, gzip.BestSpeed)
	} else {
		zw, err = zstd.NewWriter(f, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	}
	if err == nil {
		_, err = io.Copy(zw, r)
	}
	if err := errors.Join(err, zw.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestBombs: what expands beyond all measure is refused, or read as far as it
// is believed.
func TestBombs(t *testing.T) {
	t.Parallel()
	const small, size = 2 << 20, 4 << 20
	for name, parts := range map[string][2]string{
		"zeros":    {"", "\x00"},
		"spaces":   {"", " "},
		"brackets": {"", "["},
		"go trace": {"go 1.26 trace\x00\x00\x00", "\x00"},
		"cProfile": {"{(\x03\x00\x00\x00", "N"},
		"samples":  {"", "\x12\x00"},
		"stacks":   {"", "a;b;c 1\n"},
		"V8":       {`{"nodes":[{"id":1,"callFrame":{`, " "},
		"events":   {`[`, `{"ph":"X","name":"a","ts":1,"dur":2},` + "\n"},
	} {
		for _, ending := range []string{".gz", ".zst"} {
			file := bomb(t, ending, repeated(parts[0], parts[1], size/len(parts[1])))
			in, err := Open(file, Options{bombSize: small})
			switch {
			case err != nil:
				if !strings.Contains(err.Error(), file) || !errors.Is(err, ErrBomb) && !errors.Is(err, ErrKind) && !strings.Contains(err.Error(), "byte") && !strings.Contains(err.Error(), "no goroutine") {
					t.Errorf("%s%s: %v", name, ending, err)
				}
			case len(in.Warnings) == 0 || !strings.Contains(strings.Join(in.Warnings, " "), ErrBomb.Error()):
				t.Errorf("%s%s: it is read, with the warnings %q", name, ending, in.Warnings)
			}
		}
	}
}

// TestRatio: what is as repetitive as traces are is read whole.
func TestRatio(t *testing.T) {
	t.Parallel()
	pr, pw := io.Pipe()
	go func() {
		var b bytes.Buffer
		n := 0
		for i := 0; n < 5<<20; i++ {
			b.Reset()
			fmt.Fprintf(&b, "main.main;main.(*server).serve;main.(*server).handle;encoding/json.Marshal;encoding/json.(*encodeState).marshal;f%d %d\n", i*i%7919, i%97+1)
			n += b.Len()
			if _, err := pw.Write(b.Bytes()); err != nil {
				break
			}
		}
		pw.Close()
	}()
	in, err := Open(bomb(t, ".gz", pr), Options{bombSize: 2 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(in.Profile.Sample); n < 1000 {
		t.Errorf("%d stacks", n)
	}
}
