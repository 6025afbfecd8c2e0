package dest

import "golang.org/x/sys/windows"

// stdoutEscapes tells whether the console understands escape sequences. It is
// not switched on here: the console's mode is the program's.
func stdoutEscapes() bool {
	var mode uint32
	err := withStdout(func(fd uintptr) error { return windows.GetConsoleMode(windows.Handle(fd), &mode) })
	return err == nil && mode&windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING != 0
}
