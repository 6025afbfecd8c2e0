//go:build unix

package main

import (
	"syscall"
	"time"
)

// cpuTime is what the process has used of all cores, in user and system mode.
func cpuTime() (time.Duration, error) {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		return 0, err
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano()), nil
}
