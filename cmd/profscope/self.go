package main

import (
	"log"

	"github.com/pkg/profile"
)

var selfModes = []string{"cpu", "mem", "mutex", "block", "trace"}

// profileSelf profiles this run, for who develops the tool, and returns what
// ends that.
func (a *app) profileSelf() (stop func(), err error) {
	modes := map[string]func(*profile.Profile){
		"cpu": profile.CPUProfile, "mem": profile.MemProfile, "mutex": profile.MutexProfile,
		"block": profile.BlockProfile, "trace": profile.TraceProfile,
	}
	if a.self == "" {
		return func() {}, nil
	}
	mode := modes[a.self]
	if mode == nil {
		return nil, usagef("--profile-self %q: cpu, mem, mutex, block and trace work", a.self)
	}
	log.SetOutput(a.stderr) // where pkg/profile says what it writes
	return profile.Start(mode, profile.ProfilePath("."), profile.NoShutdownHook).Stop, nil
}
