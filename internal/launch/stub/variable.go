//go:build unix

package stub

import "syscall"

// variable returns what the launcher says, "" if it says nothing to us.
func variable() string {
	v, _ := syscall.Getenv(Variable)
	return v
}
