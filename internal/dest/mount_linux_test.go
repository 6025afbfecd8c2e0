package dest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func setWinsize(fd int, columns uint16) error {
	return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns})
}

// mount returns a folder with a file system of 64 KiB of its own.
func mount(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("only root mounts: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := mount(t)
	name := filepath.Join(dir, "x.prof")
	if err := put(name, "old"); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{bufferBytes - 1, bufferBytes, 5 * bufferBytes} {
		wantError(t, put(name, strings.Repeat("x", size)), "write", syscall.ENOSPC)
		wantFile(t, name, "old")
		wantOnly(t, dir, "x.prof")
	}
	// What failed goes through once there is room.
	if err := put(name, strings.Repeat("x", 20_000)); err != nil {
		t.Fatal(err)
	}
}

// Root too is refused by a file system that is read-only.
func TestReadOnlyMount(t *testing.T) {
	t.Parallel()
	dir := mount(t)
	name := filepath.Join(dir, "x.prof")
	if err := put(name, "old"); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, "size=64k"); err != nil {
		t.Skip(err)
	}
	wantError(t, Check(name), "check", syscall.EROFS)
	wantError(t, put(name, "new"), "create", syscall.EROFS)
	wantError(t, put(dir+"/sub/x.prof", "new"), "make folder", syscall.EROFS)
	wantFile(t, name, "old")
}

// A folder that goes away under a writer; the next attempt makes it again.
func TestFolderDeleted(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "gone")
	name := filepath.Join(dir, "x.prof")
	w, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	wantError(t, w.Commit(), "replace", fs.ErrNotExist)
	if err := put(name, "new"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, name, "new")
}
