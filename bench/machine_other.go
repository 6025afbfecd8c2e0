//go:build !linux && !darwin

package main

import (
	"os"
	"time"
)

// cpuModel is set by Windows for every process, and empty elsewhere.
func cpuModel() string { return os.Getenv("PROCESSOR_IDENTIFIER") }

// machineBusy is not to be had here without cgo: no reading counts as
// disturbed.
func machineBusy() time.Duration { return 0 }
