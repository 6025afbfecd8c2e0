package main

import "time"

// A stopwatch reads the wall clock and the process's CPU clock together.
type stopwatch struct {
	wall time.Time
	cpu  time.Duration
}

func startWatch() (stopwatch, error) {
	cpu, err := cpuTime()
	return stopwatch{time.Now(), cpu}, err
}

// into writes what passed since the start into r.
func (w stopwatch) into(r *reading) error {
	r.Wall = time.Since(w.wall)
	cpu, err := cpuTime()
	r.CPU = cpu - w.cpu
	return err
}
