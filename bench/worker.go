package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// workerFlag makes this program the process that is measured.
const workerFlag = "-worker"

// A spec tells a worker what to measure. It travels as JSON in its argument.
type spec struct {
	Scenario string        `json:"scenario"`
	Mode     string        `json:"mode"`
	Workload string        `json:"workload,omitempty"`
	Parked   int           `json:"parked,omitempty"`
	Variant  string        `json:"variant,omitempty"` // the scenario's own
	Window   time.Duration `json:"window"`
	Dir      string        `json:"dir"`            // an empty folder of its own
	Args     []string      `json:"args,omitempty"` // of a command to run
	Size     int64         `json:"size,omitempty"` // bytes of a file to make

	// Once is set where a measurement is too long to be taken again.
	Once bool `json:"-"`
}

func (s spec) String() string {
	out := s.Scenario
	for _, part := range []string{s.Workload, s.Variant} {
		if part != "" {
			out += " " + part
		}
	}
	if s.Parked > 0 {
		out += fmt.Sprintf(" %d parked", s.Parked)
	}
	return out
}

// A reading is what one worker measured: one line of JSON on its stdout.
type reading struct {
	Ops   int64         `json:"ops,omitempty"`
	Work  time.Duration `json:"work,omitempty"` // wall time in which the operations were done
	Wall  time.Duration `json:"wall,omitempty"` // from before the start of the profile to its file
	CPU   time.Duration `json:"cpu,omitempty"`  // the process's, user and system, over Wall
	Bytes int64         `json:"bytes,omitempty"`

	// Base is the same work in the same process without a profile, half of it
	// before and half after.
	Base *reading `json:"base,omitempty"`

	Values map[string]float64 `json:"values,omitempty"` // the scenario's own figures

	// Others is what other programs used of the machine meanwhile, in cores,
	// NaN if the worker was too short to tell; and Err why there is no reading. Both are the parent's.
	Others float64 `json:"-"`
	Err    error   `json:"-"`
}

func (r reading) cpuPerOp() float64  { return float64(r.CPU) / float64(r.Ops) }
func (r reading) wallPerOp() float64 { return float64(r.Work) / float64(r.Ops) }
func (r reading) cores() float64     { return float64(r.CPU) / float64(r.Wall) }

// cpuRatio and slowdown are against the base.
func (r reading) cpuRatio() float64 { return r.cpuPerOp() / r.Base.cpuPerOp() }
func (r reading) slowdown() float64 { return r.wallPerOp() / r.Base.wallPerOp() }

func work(arg string, stdout, stderr io.Writer) int {
	r, err := measure(arg)
	if err == nil {
		err = json.NewEncoder(stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func measure(arg string) (reading, error) {
	var s spec
	if err := json.Unmarshal([]byte(arg), &s); err != nil {
		return reading{}, fmt.Errorf("read spec: %w", err)
	}
	sc, err := findScenario(s.Scenario)
	if err != nil {
		return reading{}, err
	}
	return sc.work(s)
}

// fileSize proves that a profile was written.
func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("the profile is not there: %w", err)
	}
	if info.Size() == 0 {
		return 0, fmt.Errorf("the profile is empty")
	}
	return info.Size(), nil
}
