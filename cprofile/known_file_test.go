package cprofile_test

import (
	"os"
	"slices"

	"github.com/google/pprof/profile"
)

func parse(path string) (*profile.Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return profile.Parse(f)
}

// stack returns the functions of a sample, root first.
func stack(s *profile.Sample) []string {
	var fns []string
	for _, loc := range s.Location {
		for _, line := range loc.Line {
			fns = append(fns, line.Function.Name)
		}
	}
	slices.Reverse(fns)
	return fns
}

// pkg is how this package's functions begin in a stack.
const pkg = "github.com/profscope/profscope/cprofile_test."
