//go:build !linux

package main

import "runtime/metrics"

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
