//go:build linux || darwin

package main

import (
	"os"
	"syscall"
)

// freeSpace is what may be written yet beside the file.
func freeSpace(f *os.File) (bytes int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}
