package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"runtime/trace"
	"strings"

	"github.com/felixge/fgprof"
	"github.com/pkg/profile"
)

// A mode is a way to profile a stretch of a program, or not to. start begins;
// the function that it returns ends the profile and comes back when the file
// is on the disk, so that all modes are timed to the same point.
type mode struct {
	name  string
	start func(dir string) (stop func() (file string, err error), err error)
}

const (
	modeNone      = "none"
	modeProfscope = "profscope"
	modeFgprof    = "fgprof"
)

func modes() []mode {
	return []mode{
		{modeNone, startNone},
		{modeProfscope, startProfscope},
		{modeFgprof, startFgprof},
		{"pkg/profile", startPkgProfile},
		{"pprof", startPprof},
		{"trace", startTrace},
		{"trace+cpu", startTraceCPU}, // what a recording of both cannot cost less than
	}
}

func modeNames() (names []string) {
	for _, m := range modes() {
		names = append(names, m.name)
	}
	return names
}

func findMode(name string) (mode, error) {
	for _, m := range modes() {
		if m.name == name {
			return m, nil
		}
	}
	return mode{}, fmt.Errorf("no mode %q: there are %s", name, strings.Join(modeNames(), ", "))
}

// pickModes reads a list with commas; none comes first whether named or not,
// because every ratio is against it.
func pickModes(list string) ([]string, error) {
	picked := []string{modeNone}
	for name := range strings.SplitSeq(list, ",") {
		if _, err := findMode(name); err != nil {
			return nil, err
		}
		if !has(picked, name) {
			picked = append(picked, name)
		}
	}
	return picked, nil
}

func startNone(string) (func() (string, error), error) {
	return func() (string, error) { return "", nil }, nil
}

func startFgprof(dir string) (func() (string, error), error) {
	f, err := os.Create(filepath.Join(dir, "fgprof.prof"))
	if err != nil {
		return nil, err
	}
	stop := fgprof.Start(f, fgprof.FormatPprof)
	return func() (name string, err error) {
		defer func() {
			if recover() != nil { // it divides by the number of its samples
				err = errors.Join(errNoSample, f.Close())
			}
		}()
		return f.Name(), errors.Join(stop(), f.Sync(), f.Close())
	}, nil
}

// errNoSample is the error of a window in which a profiler has taken none: the
// machine gave it no time. It is measured again.
var errNoSample = errors.New("the profiler has taken no sample")

func startPkgProfile(dir string) (func() (string, error), error) {
	p := profile.Start(profile.CPUProfile, profile.ProfilePath(dir), profile.NoShutdownHook, profile.Quiet)
	file := filepath.Join(dir, "cpu.pprof")
	return func() (string, error) {
		p.Stop()
		return file, syncFile(file) // it closes its file itself
	}, nil
}

func startPprof(dir string) (func() (string, error), error) {
	f, err := os.Create(filepath.Join(dir, "pprof.prof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() (string, error) {
		pprof.StopCPUProfile()
		return f.Name(), errors.Join(f.Sync(), f.Close())
	}, nil
}

func startTrace(dir string) (func() (string, error), error) {
	f, err := os.Create(filepath.Join(dir, "trace.out"))
	if err != nil {
		return nil, err
	}
	if err := trace.Start(f); err != nil {
		return nil, err
	}
	return func() (string, error) {
		trace.Stop()
		return f.Name(), errors.Join(f.Sync(), f.Close())
	}, nil
}

// startTraceCPU is startTrace with CPU samples in the trace.
func startTraceCPU(dir string) (func() (string, error), error) {
	f, err := os.Create(filepath.Join(dir, "trace.out"))
	if err != nil {
		return nil, err
	}
	stop, err := traceInto(f)
	if err != nil {
		return nil, err
	}
	return func() (string, error) {
		stop()
		return f.Name(), errors.Join(f.Sync(), f.Close())
	}, nil
}

func syncFile(name string) error {
	// Windows flushes only what is open for writing.
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// traceInto traces into f, with CPU samples, until stop is called.
func traceInto(f *os.File) (stop func(), err error) {
	if err := trace.Start(f); err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		trace.Stop()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		trace.Stop()
	}, nil
}
