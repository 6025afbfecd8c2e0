package main

import (
	"syscall"
	"time"
)

// cpuTime is what the process has used of all cores, in user and kernel mode.
// Windows counts it in clock ticks of 1 to 16 ms: take windows of seconds.
func cpuTime() (time.Duration, error) {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0, err
	}
	var created, exited, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(self, &created, &exited, &kernel, &user); err != nil {
		return 0, err
	}
	return filetime(kernel) + filetime(user), nil
}

// filetime is a count of 100 ns here; its own Nanoseconds method would take
// it for a date.
func filetime(f syscall.Filetime) time.Duration {
	return time.Duration(int64(f.HighDateTime)<<32|int64(f.LowDateTime)) * 100
}
