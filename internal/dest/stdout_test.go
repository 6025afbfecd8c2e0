package dest

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// swapStdout puts f in the place of os.Stdout, as programs and tests do. Tests
// that use it cannot be parallel.
func swapStdout(t *testing.T, f *os.File) {
	t.Helper()
	old := os.Stdout
	os.Stdout = f
	t.Cleanup(func() { os.Stdout = old })
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func TestStdoutIsPipe(t *testing.T) {
	r, w := pipe(t)
	swapStdout(t, w)
	content := strings.Repeat("table\n", 50_000) // more than the pipe holds
	for _, name := range []string{"", "-"} {
		if err := Check(name); err != nil {
			t.Fatal(err)
		}
		got := make(chan string)
		go func() {
			buf := make([]byte, len(content))
			n, _ := io.ReadFull(r, buf)
			got <- string(buf[:n])
		}()
		if err := put(name, content); err != nil {
			t.Fatal(err)
		}
		if <-got != content {
			t.Fatal("content differs")
		}
	}
	// The program's own is still open.
	if _, err := w.WriteString("mine"); err != nil {
		t.Fatal(err)
	}
}

func TestStdoutIsFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "out")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	swapStdout(t, f)
	f.WriteString("before ")
	if err := put("", "table"); err != nil {
		t.Fatal(err)
	}
	f.WriteString(" after") // the offset is shared
	wantFile(t, name, "before table after")
	if n := StdoutWidth(); n != 0 && os.Getenv("COLUMNS") == "" {
		t.Errorf("width of a file: %d", n)
	}
	if StdoutColor() {
		t.Error("colours in a file")
	}
	t.Setenv("COLUMNS", "123")
	if n := StdoutWidth(); n != 123 {
		t.Errorf("width with COLUMNS=123: %d", n)
	}
	t.Setenv("COLUMNS", "-3")
	if n := StdoutWidth(); n != 0 {
		t.Errorf("width with COLUMNS=-3: %d", n)
	}
}

func TestStdoutAbort(t *testing.T) {
	name := filepath.Join(t.TempDir(), "out")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	swapStdout(t, f)
	boom := errors.New("boom")
	err = Put("", func(w io.Writer) error { io.WriteString(w, "half a table"); return boom })
	wantError(t, err, "encode", boom)
	if !strings.HasPrefix(err.Error(), "profscope: write stdout: ") {
		t.Errorf("%v", err)
	}
	wantFile(t, name, "")
}

func TestStdoutMissing(t *testing.T) {
	closed, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for what, f := range map[string]*os.File{"nil": nil, "closed": closed} {
		t.Run(what, func(t *testing.T) {
			swapStdout(t, f)
			wantError(t, Check(""), "check", ErrNoStdout)
			wantError(t, put("-", "x"), "open", ErrNoStdout)
			if StdoutWidth() != 0 && os.Getenv("COLUMNS") == "" || StdoutColor() {
				t.Error("it has a width or colours")
			}
		})
	}
}
