package dest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// put is Put of a string.
func put(name, content string) error {
	return Put(name, func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
}

func wantFile(t *testing.T, name, content string) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != content {
		t.Fatalf("%s holds %d bytes %.40q, want %d bytes %.40q", name, len(got), got, len(content), content)
	}
}

// wantOnly asserts that dir holds these names and no leftovers.
func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range es {
		got = append(got, e.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(names) {
		t.Fatalf("%s holds %q, want %q", dir, got, names)
	}
}

// wantError asserts cause and stage, and that no temporary name shows.
func wantError(t *testing.T, err error, stage string, is error) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Stage != stage || !errors.Is(err, is) {
		t.Fatalf("error %v; want stage %q and %v", err, stage, is)
	}
	if !strings.HasPrefix(err.Error(), "profscope: write ") || strings.Contains(err.Error(), tempPrefix) {
		t.Fatalf("error reads %q", err)
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "x.prof")
	for _, content := range []string{"first", "", strings.Repeat("long", bufferBytes), "second"} {
		if err := put(name, content); err != nil {
			t.Fatal(err)
		}
		wantFile(t, name, content)
	}
	wantOnly(t, dir, "x.prof")
}

func TestNothingBeforeCommit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "x.prof")
	if err := put(name, "old"); err != nil {
		t.Fatal(err)
	}
	w, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(bytes.Repeat([]byte("new"), bufferBytes)); err != nil {
		t.Fatal(err)
	}
	wantFile(t, name, "old")
	if w.sink.(*fileSink).temp.path == "" {
		wantOnly(t, dir, "x.prof")
	} else if es, err := os.ReadDir(dir); err != nil || len(es) != 2 || !isTemp(es[0].Name(), os.Getpid()) {
		t.Errorf("%v, %v", es, err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	wantFile(t, name, "old")
	wantOnly(t, dir, "x.prof")
	if err := w.Abort(); err != nil {
		t.Errorf("second Abort: %v", err)
	}
	if _, err := w.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after Abort: %v", err)
	}
	if err := w.Commit(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Commit after Abort: %v", err)
	}
}

// isTemp tells a temporary file of the process by its name.
func isTemp(name string, pid int) bool {
	return strings.HasPrefix(name, fmt.Sprintf("%s%d-", tempPrefix, pid)) && strings.HasSuffix(name, tempSuffix)
}

// Where a file without a name is not to be had, all is as it is with one.
func TestNamedTemp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "x.prof")
	for _, end := range []string{"commit", "abort"} {
		w, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		s := w.sink.(*fileSink)
		if _, err := s.temp.name(); err != nil {
			t.Fatal(err)
		}
		if es, err := os.ReadDir(dir); err != nil || len(es) == 0 || !isTemp(es[0].Name(), os.Getpid()) {
			t.Errorf("%v, %v", es, err)
		}
		if _, err := io.WriteString(w, end); err != nil {
			t.Fatal(err)
		}
		if end == "commit" {
			err = w.Commit()
		} else {
			err = w.Abort()
		}
		if err != nil {
			t.Fatal(err)
		}
		wantFile(t, name, "commit")
		wantOnly(t, dir, "x.prof")
	}
}

func TestEncoderFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "x.prof")
	if err := put(name, "old"); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	content := []byte("what a profile could be")
	for n := range len(content) + 1 {
		err := Put(name, func(w io.Writer) error {
			for _, b := range content[:n] {
				if _, err := w.Write([]byte{b}); err != nil {
					return err
				}
			}
			return boom
		})
		wantError(t, err, "encode", boom)
		wantFile(t, name, "old")
		wantOnly(t, dir, "x.prof")
	}
	for _, end := range []func(){func() { panic("boom") }, runtime.Goexit} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { recover() }()
			Put(name, func(w io.Writer) error { w.Write(content); end(); return nil })
		}()
		<-done
		wantFile(t, name, "old")
		wantOnly(t, dir, "x.prof")
	}
}

// An encoder that drops the error of a write cannot make it good again.
func TestFirstErrorStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "x.prof")
	err := Put(name, func(w io.Writer) error {
		w.(*Writer).sink.(*fileSink).temp.Close() // what no disk is needed for
		w.Write(make([]byte, 2*bufferBytes))
		w.Write([]byte("more"))
		return errors.New("encoder's own words")
	})
	wantError(t, err, "write", os.ErrClosed)
	wantOnly(t, dir)
}

func TestParents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "a", "b", "x.prof")
	if err := Check(name); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir) // Check makes nothing
	if err := put(name, "new"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, name, "new")
	wantOnly(t, filepath.Join(dir, "a", "b"), "x.prof")
	if err := put(dir+filepath.FromSlash("/c/../d/x.prof"), "new"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, filepath.Join(dir, "d", "x.prof"), "new")
}

func TestBadNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := put(file, "old"); err != nil {
		t.Fatal(err)
	}
	sep := string(filepath.Separator)
	for name, is := range map[string]error{
		dir:                                     ErrFolder,
		dir + sep:                               ErrFolder,
		dir + sep + "new" + sep:                 ErrFolder,
		".":                                     ErrFolder,
		dir + sep + "a\x00b":                    ErrName,
		dir + sep + strings.Repeat("long", 100): nil,
		file + sep + "x.prof":                   nil, // a file in the place of a folder
		file + sep + "a" + sep + "x.prof":       nil,
	} {
		err := put(name, "new")
		if err == nil || is != nil && !errors.Is(err, is) {
			t.Errorf("Put(%q): %v, want %v", name, err, is)
		}
		if cerr := Check(name); cerr == nil && !strings.Contains(name, "longlong") {
			t.Errorf("Check(%q) finds nothing, Put: %v", name, err)
		}
	}
	wantFile(t, file, "old")
	wantOnly(t, dir, "file")
}

func TestTargetBecomesFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "x.prof")
	w, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err == nil {
		t.Fatal("a folder was replaced")
	} else if e, ok := errors.AsType[*Error](err); !ok || e.Stage != "replace" {
		t.Fatalf("%v", err)
	}
	wantOnly(t, dir, "x.prof")
}

func TestConcurrentWriters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "sub", "x.prof") // they make the folder, too
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 5 {
				err := put(name, strings.Repeat(string(rune('a'+i)), 100_000))
				// Windows refuses two renames to one name at the same moment.
				if err != nil && !(runtime.GOOS == "windows" && errors.Is(err, fs.ErrPermission)) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := os.ReadFile(name)
	if err != nil || len(got) != 100_000 || len(bytes.Trim(got, string(got[:1]))) != 0 {
		t.Fatalf("%d bytes, mixed or cut: %v", len(got), err)
	}
	wantOnly(t, filepath.Dir(name), "x.prof")
}

// The working directory may change while a scope is open.
func TestChdir(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	w, err := Open("x.prof")
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("new"))
	t.Chdir(t.TempDir())
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	wantFile(t, filepath.Join(dir, "x.prof"), "new")
	wantOnly(t, dir, "x.prof")
}
