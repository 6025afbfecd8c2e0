package launch

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerUID returns the user at the other end.
func peerUID(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	uid := -1
	var got error
	err = raw.Control(func(fd uintptr) {
		var u *unix.Xucred
		if u, got = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED); got == nil {
			uid = int(u.Uid)
		}
	})
	if err == nil {
		err = got
	}
	return uid, err
}
