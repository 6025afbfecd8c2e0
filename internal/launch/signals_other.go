//go:build !unix

package launch

import (
	"errors"
	"os"
	"os/exec"
)

func supported() error { return ErrPlatform }

func isAlive(int) bool { return true }

func forward(*os.Process, func()) (stop func()) { return func() {} }

func exitCode(p *os.ProcessState) int { return p.ExitCode() }

func (p *process) end(string) {}

func notFound(err error) bool {
	return errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist)
}
