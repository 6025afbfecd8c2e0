package dest

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func init() { jobs["end in the middle"] = endInTheMiddle }

func endInTheMiddle(dir string) error {
	w, err := Open(filepath.Join(dir, "x.prof"))
	if err != nil {
		return err
	}
	_, err = w.Write(make([]byte, 3*bufferBytes))
	return err
}

// unnamedDir returns a folder in which a file can be without a name.
func unnamedDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	f := openUnnamed(dir)
	if f == nil {
		t.Skipf("%s is on a file system without O_TMPFILE", dir)
	}
	f.Close()
	return dir
}

// A program that ends while a profile is written leaves the old file and
// nothing beside it.
func TestEndInTheMiddle(t *testing.T) {
	t.Parallel()
	dir := unnamedDir(t)
	name := filepath.Join(dir, "x.prof")
	if err := put(name, "old"); err != nil {
		t.Fatal(err)
	}
	runChild(t, "end in the middle", dir)
	wantFile(t, name, "old")
	wantOnly(t, dir, "x.prof")
}

// A file cannot be linked into another file system: its content is copied.
func TestFolderBecomesAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "x.prof")
	w, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if w.sink.(*fileSink).temp.path != "" {
		t.Skipf("%s is on a file system without O_TMPFILE", dir)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("only root mounts: %v", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	if err := os.WriteFile(name, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	content := strings.Repeat("new", bufferBytes)
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	wantFile(t, name, content)
	wantOnly(t, dir, "x.prof")
	if fi, err := os.Stat(name); err != nil || fi.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", fi, err)
	}
}

// TestNewFileAtOnce: a file that was not there never has another name, which a
// program that is killed would leave behind.
func TestNewFileAtOnce(t *testing.T) {
	t.Parallel()
	dir := unnamedDir(t)
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(watch)
	if _, err := unix.InotifyAddWatch(watch, dir, unix.IN_CREATE|unix.IN_MOVED_TO); err != nil {
		t.Fatal(err)
	}
	if err := put(filepath.Join(dir, "x.prof"), "new"); err != nil {
		t.Fatal(err)
	}
	events := make([]byte, 4096)
	n, err := unix.Read(watch, events)
	if err != nil {
		t.Fatal(err)
	}
	if names := string(events[:n]); !strings.Contains(names, "x.prof") || strings.Contains(names, tempSuffix) {
		t.Errorf("names that came into the folder: %q", names)
	}
	wantFile(t, filepath.Join(dir, "x.prof"), "new")
}
