package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestInterrupted: an interrupt while a file is read is no damage of the file.
// Nothing is printed of the part that was read, an older output stays whole,
// and the exit code tells.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	slices := strings.Builder{}
	slices.WriteString("[")
	for i := range 50_000 {
		fmt.Fprintf(&slices, `{"ph":"X","name":"slice %d","pid":1,"tid":1,"ts":%d,"dur":1},`, i, i)
	}
	slices.WriteString("{}]")
	inputs := map[string][]byte{
		"a Go trace":        gunzipped(t, "testdata/files/server.trace.gz"),
		"a Chrome trace":    []byte(slices.String()),
		"a gzipped one":     gzipped(t, slices.String()),
		"folded stacks":     []byte(strings.Repeat("a;b 1\n", 100_000)),
		"a Python cProfile": read(t, "testdata/files/step.prof"),
	}
	for what, data := range inputs {
		for _, verb := range []string{"convert .prof", "convert .pftrace", "top", "stats --format csv", "info"} {
			if strings.HasSuffix(verb, ".pftrace") && !strings.Contains(what, "trace") {
				continue
			}
			t.Run(what+", "+verb, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				args := strings.Fields(verb)
				out := filepath.Join(t.TempDir(), "old")
				if args[0] == "convert" {
					out += args[1]
					args = []string{"convert", "-", out}
				} else {
					args = append(args, "-")
				}
				if err := os.WriteFile(out, []byte("old"), 0o600); err != nil {
					t.Fatal(err)
				}
				stdin := io.MultiReader(bytes.NewReader(data[:len(data)*3/4]), readerFunc(func(p []byte) (int, error) {
					cancel()
					return copy(p, data[len(data)*3/4:]), io.EOF
				}))
				checkInterrupted(t, ctx, stdin, args...)
				if got := read(t, out); string(got) != "old" {
					t.Errorf("the old file was replaced by %d bytes", len(got))
				}
				if names, err := os.ReadDir(filepath.Dir(out)); err != nil || len(names) != 1 {
					t.Errorf("%v, %v: something was left behind", names, err)
				}
			})
		}
	}
}

// TestInterruptedWriting: an output that is being written is given up, too.
func TestInterruptedWriting(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stderr bytes.Buffer
	stdout := writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
	if code := run(ctx, []string{"convert", "testdata/files/server.trace.gz", "-"}, nil, stdout, &stderr); code != exitEnded || stderr.String() != "profscope: interrupted\n" {
		t.Errorf("%d %q", code, &stderr)
	}
}

// TestInterruptedWaiting: a verb that waits for its input ends.
func TestInterruptedWaiting(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"top", "-"},
		{"stats", "testdata/files/scope.prof", "-"},
		{"convert", "-", filepath.Join(t.TempDir(), "x.html")},
		{"convert", "-", filepath.Join(t.TempDir(), "x.pftrace")},
		{"diff", "testdata/files/scope.prof", "-"},
		{"view", "--no-browser", "-"},
	} {
		t.Run(strings.Join(args[:1], " "), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			silent, w := io.Pipe()
			t.Cleanup(func() { w.Close() })
			checkInterrupted(t, ctx, readerFunc(func(p []byte) (int, error) { cancel(); return silent.Read(p) }), args...)
		})
	}
}

// checkInterrupted runs the command line, which is to end soon after ctx.
func checkInterrupted(t *testing.T, ctx context.Context, stdin io.Reader, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, args, stdin, &stdout, &stderr) }()
	select {
	case code := <-ended:
		if code != exitEnded || stdout.Len() > 0 || stderr.String() != "profscope: interrupted\n" {
			t.Errorf("%q: exit code %d, %d bytes on stdout: %s", args, code, stdout.Len(), &stderr)
		}
	case <-time.After(time.Minute):
		t.Fatalf("%q does not end", args)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func gzipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gunzipped(t *testing.T, name string) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(read(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
