package main

import "fmt"

// exitCode is the end of a verb whose exit code is not its own: all is said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }
