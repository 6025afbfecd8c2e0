package session

import (
	"runtime"
	"time"
)

// sampleEvery is the period of the fallback that samples all goroutines.
// Sampling stops the world: it may take a fiftieth of the time and a little
// more, so that one sample which a busy machine made long does not make the
// next one late.
const (
	sampleEvery = 10 * time.Millisecond
	sampleSpare = 10 * time.Millisecond
)

const sampledNote = "The execution tracer could not be used: stacks are samples of all goroutines of the process (role process), states of the scope's own are unknown."

// sample is the fallback without a trace: the stacks of all goroutines, again
// and again, until stop is closed. It is fgprof's method. Calls and elapsed
// times stay exact, for they come from the doors.
func (r *recorder) sample(stop chan struct{}) {
	records := make([]runtime.StackRecord, 256)
	begin := nanotime()
	last, spent := begin, int64(0)
	wait := sampleEvery
	for {
		select {
		case <-stop:
			return
		case <-time.After(wait):
		}
		t := nanotime()
		n, ok := runtime.GoroutineProfile(records)
		for !ok {
			records = make([]runtime.StackRecord, n+n/4+16)
			n, ok = runtime.GoroutineProfile(records)
		}
		now := nanotime()
		spent += now - t
		wait = max(sampleEvery, time.Duration(50*(spent-int64(sampleSpare))-(now-begin)))
		stacks := make([][]runtime.Frame, 0, n)
		for i := range records[:n] {
			var fs []runtime.Frame
			frames := runtime.CallersFrames(records[i].Stack())
			for {
				f, more := frames.Next()
				if f.Function != "" {
					fs = append(fs, f)
				}
				if !more {
					break
				}
			}
			stacks = append(stacks, fs)
		}
		r.mu.Lock()
		on := r.sampling == stop
		if on { // else the tracer is back, and tells more
			r.side.apply(theEngine())
			theEngine().SampleProcess(stacks, t-last)
		}
		r.mu.Unlock()
		if !on {
			return
		}
		last = t
	}
}
