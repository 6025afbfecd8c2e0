//go:build !linux && !darwin

package main

import "os"

// cpuModel is set by Windows for every process, and empty elsewhere.
func cpuModel() string { return os.Getenv("PROCESSOR_IDENTIFIER") }
