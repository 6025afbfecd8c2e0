package httpprofile_test

import "runtime"

//go:noinline
func pcOf() uintptr {
	pc, _, _, _ := runtime.Caller(0)
	return pc
}
