//go:build !linux

package main

import (
	"os"
	"runtime/metrics"
)

// peakOf is known on Linux only: elsewhere its unit differs, or there is none.
func peakOf(*os.ProcessState) (float64, bool) { return 0, false }

// resident is what the Go runtime holds and has not given back: nearly the
// resident size, of a program without cgo.
func resident() (int64, error) {
	s := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64()), nil
}
