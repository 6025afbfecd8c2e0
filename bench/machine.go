package main

import (
	"fmt"
	"runtime"
)

// machine describes what the figures depend on, and names no host.
func machine() string {
	model := cpuModel()
	if model == "" {
		model = "unknown CPU"
	}
	return fmt.Sprintf("%s, %d cores, GOMAXPROCS %d, %s/%s, %s", model, runtime.NumCPU(),
		runtime.GOMAXPROCS(0), runtime.GOOS, runtime.GOARCH, runtime.Version())
}
