//go:build unix

package dest

import (
	"os"

	"golang.org/x/sys/unix"
)

// duplicateStdout returns os.Stdout under another number. The runtime ends a
// program by SIGPIPE when a write to descriptor 1 or 2 meets a broken pipe;
// on any other it is an error.
func duplicateStdout() (*os.File, error) {
	var f *os.File
	err := withStdout(func(fd uintptr) error {
		dup, err := dupAbove(int(fd))
		if err == unix.EBADF {
			return noStdout(err) // closed behind os's back
		}
		if err != nil {
			return err
		}
		f = os.NewFile(uintptr(dup), "stdout")
		return nil
	})
	return f, err
}
