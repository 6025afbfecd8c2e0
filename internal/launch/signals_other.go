//go:build !unix

package launch

import "os"

func supported() error { return ErrPlatform }

func isAlive(int) bool { return true }

func forward(*os.Process, func()) (stop func()) { return func() {} }

func exitCode(p *os.ProcessState) int { return p.ExitCode() }

func (p *process) end(string) {}
