package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// idle are nsys' flags for what Go programs do not have.
var idle = []string{"trace", "cuda-graph-trace", "cuda-memory-usage", "cudabacktrace", "gpu-metrics-devices", "gpu-metrics-device",
	"gpu-metrics-frequency", "gpu-metrics-set", "nvtx-capture", "capture-range-end", "cpuctxsw", "backtrace", "sampling-period", "samples-per-backtrace",
	"export", "osrt-threshold", "python-sampling", "python-backtrace", "pytorch", "show-output", "inherit-environment", "run-as", "process-scope", "cuda-flush-interval", "cuda-event-trace"}

// seconds is a duration as nsys takes it: a number of seconds.
type seconds time.Duration

func (s *seconds) String() string { return time.Duration(*s).String() }
func (s *seconds) Type() string   { return "seconds" }

func (s *seconds) Set(v string) error {
	d, err := time.ParseDuration(v)
	if f, numErr := strconv.ParseFloat(v, 64); numErr == nil {
		d, err = time.Duration(f*float64(time.Second)), nil
	}
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no number of seconds", v)
	}
	*s = seconds(d)
	return nil
}

// nsysBools joins "--stats true" to "--stats=true", which nsys takes both, and
// "-f true" too. What belongs to the command of profscope profile is its own.
func nsysBools(root *cobra.Command, args []string) []string {
	verb, rest, err := root.Find(args)
	if err != nil || verb.Name() != "profile" {
		return args
	}
	out := []string{verb.Name()}
	for len(rest) > 0 && rest[0] != "--" && len(rest[0]) > 1 && rest[0][0] == '-' {
		word := rest[0]
		rest = rest[1:]
		if f := needsValue(verb, word); f != nil && len(rest) > 0 {
			switch next := rest[0]; {
			case f.NoOptDefVal == "": // its value, whatever it looks like
				out, word, rest = append(out, word), next, rest[1:]
			case next == "true" || next == "false":
				word, rest = word+"="+next, rest[1:]
			}
		}
		out = append(out, word)
	}
	return append(out, rest...)
}

// needsValue returns the flag in the word, the last one of several letters, nil
// if it has its value in the same word.
func needsValue(verb *cobra.Command, word string) *pflag.Flag {
	if name, long := strings.CutPrefix(word, "--"); long {
		return verb.Flag(name) // there is none of the name "stats=true"
	}
	for letters := word[1:]; ; letters = letters[1:] {
		f := verb.Flags().ShorthandLookup(letters[:1])
		if f == nil || len(letters) == 1 {
			return f
		}
		if f.NoOptDefVal == "" {
			return nil
		}
	}
}
