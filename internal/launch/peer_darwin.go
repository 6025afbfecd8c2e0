package launch

import "golang.org/x/sys/unix"

func uidOf(fd int) (int, error) {
	u, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return -1, err
	}
	return int(u.Uid), nil
}
