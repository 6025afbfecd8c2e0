package launch

import "golang.org/x/sys/unix"

func uidOf(fd int) (int, error) {
	u, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return -1, err
	}
	return int(u.Uid), nil
}
