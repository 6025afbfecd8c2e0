//go:build linux || darwin

package launch

import "net"

// peerUID returns the user at the other end.
func peerUID(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	uid := -1
	var got error
	if err := raw.Control(func(fd uintptr) { uid, got = uidOf(int(fd)) }); err != nil {
		return -1, err
	}
	return uid, got
}
