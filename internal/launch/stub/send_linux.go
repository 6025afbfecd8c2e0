package stub

import "syscall"

func quiet(int) {}

// send writes to the socket. When the launcher has gone it is an error, and no
// SIGPIPE, which the program may listen to.
func send(fd int, b []byte) (int, error) {
	return syscall.SendmsgN(fd, b, nil, nil, syscall.MSG_NOSIGNAL)
}
