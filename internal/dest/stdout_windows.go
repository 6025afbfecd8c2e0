package dest

import (
	"os"

	"golang.org/x/sys/windows"
)

// duplicateStdout returns os.Stdout under another handle. Windows has no
// SIGPIPE; the duplicate is there so that closing it leaves the program's
// open, and so that the program closing its own does not end our write.
func duplicateStdout() (*os.File, error) {
	var f *os.File
	err := withStdout(func(fd uintptr) error {
		self := windows.CurrentProcess()
		var dup windows.Handle
		if err := windows.DuplicateHandle(self, windows.Handle(fd), self, &dup, 0, false, windows.DUPLICATE_SAME_ACCESS); err != nil {
			return noStdout(err) // a program without a console has none
		}
		f = os.NewFile(uintptr(dup), "stdout")
		return nil
	})
	return f, err
}
