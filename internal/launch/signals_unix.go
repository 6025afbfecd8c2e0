//go:build unix

package launch

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// supported is an error where programs cannot be recorded.
func supported() error { return nil }

func isAlive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// forward gives the program the signals that come to us, until stop is
// called. What the terminal sends goes to the program anyway: it is in the
// same process group.
func forward(p *os.Process, toggle func()) (stop func()) {
	c := make(chan os.Signal, 16)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCONT)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case s := <-c:
				switch {
				case s == syscall.SIGUSR1 && toggle != nil:
					go toggle() // a program that is stopped answers late, and must still get its signals
				case s == syscall.SIGWINCH || s == syscall.SIGCONT: // to the group, or to us alone
				case (s == os.Interrupt || s == syscall.SIGQUIT) && inForeground():
				default:
					_ = p.Signal(s)
				}
			}
		}
	}()
	return func() { signal.Stop(c); close(done) }
}

// inForeground reports whether the terminal's keys send us signals.
func inForeground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == syscall.Getpgrp()
}

// exitCode is the program's own, and for one that a signal ended the number
// that a shell gives.
func exitCode(p *os.ProcessState) int {
	if w, ok := p.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return p.ExitCode()
}

// grace is what a program has between SIGTERM and SIGKILL.
const grace = 10 * time.Second

// end makes the process of that id end.
func (p *process) end(how string) {
	sig := syscall.SIGTERM
	if how == "sigkill" {
		sig = syscall.SIGKILL
	}
	if !p.alive() {
		return
	}
	_ = syscall.Kill(p.pid, sig)
	select {
	case <-p.gone:
	case <-time.After(grace):
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
	}
}
