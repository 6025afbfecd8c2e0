package dest

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// openUnnamed is open(2) with O_TMPFILE. It returns nil where the file system
// has no such files (NFS, older overlayfs), and without /proc, by which alone
// a process without special rights can name one. Whatever else is wrong with
// dir, creating a file with a name tells.
func openUnnamed(dir string) *os.File {
	f, err := os.OpenFile(dir, unix.O_TMPFILE|os.O_RDWR, newFileMode)
	if err != nil {
		return nil
	}
	if _, err := os.Lstat(descriptor(f)); err != nil {
		f.Close()
		return nil
	}
	return f
}

func (t *tempFile) linkUnnamed(path string) error {
	return unix.Linkat(unix.AT_FDCWD, descriptor(t.File), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
}

func descriptor(f *os.File) string {
	return "/proc/self/fd/" + strconv.Itoa(int(f.Fd()))
}
