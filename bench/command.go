package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// runCommand runs a program, throws its output away, and measures the whole of
// its process. A program that fails is no error here: how it did so is in the
// reading, as the value "exit", for programs that are given what is damaged.
func runCommand(args []string) (reading, error) {
	var r reading
	var stderr bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = io.Discard, &stderr
	begin := time.Now()
	err := cmd.Run()
	r.Wall = time.Since(begin)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return r, fmt.Errorf("run %s: %w", args[0], err)
	}
	state := cmd.ProcessState
	r.CPU = state.UserTime() + state.SystemTime()
	r.Values = map[string]float64{"exit": float64(state.ExitCode()), "panicked": 0}
	if bytes.Contains(stderr.Bytes(), []byte("goroutine 1 [")) {
		r.Values["panicked"] = 1
	}
	if peak, ok := peakOf(state); ok {
		r.Values["peak"] = peak
	}
	if r.Wall <= 0 {
		return r, errors.New("the command took no time")
	}
	return r, nil
}

// recordTrace writes an execution trace of size bytes at least, of a server
// under load whose goroutines are sampled too.
func recordTrace(name string, size int64, load func(time.Duration) int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	stop, err := traceInto(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	for {
		if n := load(500 * time.Millisecond); n == 0 {
			err = errors.New("the load did nothing")
			break
		}
		info, e := f.Stat()
		if err = e; err != nil || info.Size() >= size {
			break
		}
	}
	stop()
	return errors.Join(err, f.Close())
}
