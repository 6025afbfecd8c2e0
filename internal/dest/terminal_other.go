//go:build !windows

package dest

func stdoutEscapes() bool { return true }
