package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/dest"
	"github.com/profscope/profscope/internal/launch"
)

// serverOutput is the name that the pattern stands for, of a file that can be
// written.
func serverOutput(pattern string, force bool) (string, error) {
	if pattern == "-" {
		return pattern, nil
	}
	vars := dest.ProcessVars()
	vars.Dir = "" // that of what the program itself writes
	here := vars.PID
	for call := int64(1); ; call++ {
		vars.PID = here
		name, err := dest.Expand(pattern, vars, call)
		if err != nil {
			return "", err
		}
		vars.PID++
		if other, _ := dest.Expand(pattern, vars, call); other != name {
			return "", fmt.Errorf("-o %s: %%p is a process id, and of a server at a URL nobody knows it", pattern)
		}
		err = launch.CheckFree(pattern, "--force-overwrite replaces it", name)
		if taken := errors.Is(err, launch.ErrTaken); taken && dest.PerCall(pattern) {
			continue
		} else if err != nil && !(taken && force) {
			return "", err
		}
		return name, dest.Probe(name)
	}
}

// attached writes what the server gave, which is of the ending has, in the
// format that was asked for.
func (a *app) attached(at attachment, got *spool, has string) error {
	r, err := got.reader()
	if err != nil {
		return err
	}
	encode := got.copyTo
	o := convert.Options{Stdin: r, StdinName: at.base, Ended: at.ended, Serving: handlers}
	switch {
	case has == at.ending:
		if at.ended != "" {
			fmt.Fprintf(a.stderr, "profscope: %s: %s: its last part is not whole, and go tool trace may refuse it\n", at.base, at.ended)
		}
	case convert.IsTimeline(at.ending):
		encode = func(w io.Writer) error {
			warnings, err := convert.DrawTimeline(w, []string{"-"}, at.ending, o)
			for _, s := range warnings {
				fmt.Fprintf(a.stderr, "profscope: %s\n", s)
			}
			return err
		}
	default:
		in, err := convert.Open("-", o)
		if err != nil {
			return err
		}
		for _, s := range in.Warnings {
			fmt.Fprintf(a.stderr, "profscope: %s: %s\n", at.base, s)
		}
		if n := in.LeaveOut(handlers...); n > 0 {
			in.Trace.Whole.Notes = append(in.Trace.Whole.Notes, served(n, in.NoStack()))
		}
		encode = func(w io.Writer) error {
			return convert.Write(w, []*convert.Input{in}, at.ending, convert.OutputOptions{})
		}
	}
	if dest.IsStdout(at.output) {
		return a.write(at.output, encode)
	}
	name, err := launch.Put(at.output, encode)
	if name != "" {
		a.wrote(name, "")
	}
	return err
}
