package main

import (
	"syscall"
	"time"
)

func cpuModel() string {
	s, err := syscall.Sysctl("machdep.cpu.brand_string")
	if err != nil {
		return ""
	}
	return s
}

// machineBusy is not to be had here without cgo: no reading counts as
// disturbed.
func machineBusy() time.Duration { return 0 }
