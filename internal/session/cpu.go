package session

import (
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// stayedAway is how long another CPU profiler must have given no sample
	// before ours takes over. A profiler that comes in cycles, with gaps of
	// milliseconds, must never be refused because we won a gap.
	stayedAway = time.Minute
	// afterStop is how long ours stays away when somebody has stopped it and
	// nobody begins one: it was a mistake, perhaps. The second time it is
	// taken for a profiler that was refused because of ours.
	afterStop = 250 * time.Millisecond
)

const stoppedNote = "Somebody else stopped the CPU profile: until another ran there were no samples, and functions on a CPU are estimated from the others."

// cpuProfile is our hold on the process's one CPU profile. What it writes is
// thrown away: while it runs, its samples are in the trace.
type cpuProfile struct {
	// mu is held while starting or stopping. That can take 20 ms, or as long as
	// the reader of somebody else's profile likes: runtime/pprof has a lock too,
	// and holds it while a profile that was stopped is written.
	mu      sync.Mutex
	profile *sampler  // ours, nil if none
	lent    bool      // a scraper's runs, for whom it was started by us
	foreign bool      // somebody else has been seen to profile
	until   time.Time // ours stays away so long
	stopped int       // how often somebody else has stopped ours
	samples int64
	kept    atomic.Bool // the last of the trace is kept, with samples
	want    atomic.Bool // a scope that wants samples was opened

	stops atomic.Int32 // asked for and not done
}

// wanted reports whether a scope of this recording wants samples.
func (c *cpuProfile) wanted() bool { return c.want.Load() }

// sampler is the writer of one CPU profile. The runtime writes only at the
// profile's end, so a write that we did not cause tells that somebody else
// stopped it.
type sampler struct {
	mu    sync.Mutex
	ended bool
}

func (s *sampler) Write(p []byte) (int, error) {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	return len(p), nil
}

func (s *sampler) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// ensure starts the CPU profile unless it runs already or is somebody else's
// to have. samples is the number of samples seen in the trace so far. It does
// nothing while a start or a stop is under way.
func (c *cpuProfile) ensure(samples int64) {
	if !c.mu.TryLock() {
		return
	}
	if !c.due(samples) {
		c.mu.Unlock()
		return
	}
	c.start()
}

// due reports whether our CPU profile is to be started. The caller holds mu.
func (c *cpuProfile) due(samples int64) bool {
	if c.lent {
		return false
	}
	if c.profile != nil {
		if !c.profile.over() {
			return false
		}
		theEngine().Note(nil, stoppedNote)
		c.profile = nil
		c.stopped++
		if c.stopped == 1 {
			c.until = time.Now().Add(afterStop)
		} else {
			c.leave()
		}
	}
	if samples != c.samples {
		c.samples = samples
		if c.foreign {
			c.leave()
		}
	}
	return !time.Now().Before(c.until)
}

// startPatience bounds how long anybody waits for a CPU profile to start.
const startPatience = 20 * time.Millisecond

// start starts the CPU profile, perhaps later, and gives back mu, which its
// caller has taken.
func (c *cpuProfile) start() {
	tried := make(chan struct{})
	go func() {
		defer close(tried)
		s := new(sampler)
		err := pprof.StartCPUProfile(s)
		if err != nil {
			c.leave()
		} else {
			c.profile, c.foreign = s, false
		}
		c.mu.Unlock()
	}()
	t := time.NewTimer(startPatience)
	defer t.Stop()
	select {
	case <-tried:
	case <-t.C:
	}
}

// leave leaves the CPU profile to somebody who was seen to use it.
func (c *cpuProfile) leave() { c.foreign, c.until = true, time.Now().Add(stayedAway) }

// release stops our CPU profile, in the background: it takes milliseconds, and
// the trace has its samples already. A recording that began meanwhile, and found
// it being stopped, gets another at once. One goroutine does it for all who ask
// meanwhile.
func (c *cpuProfile) release() {
	if c.mu.TryLock() {
		has := c.profile != nil
		c.mu.Unlock()
		if !has {
			return
		}
	}
	if c.stops.Add(1) > 1 {
		return
	}
	go func() {
		for n := int32(1); n > 0; n = c.stops.Add(-n) {
			c.stop()
		}
		if live() && c.wanted() {
			c.ensure(theEngine().Samples())
		}
	}()
}

func (c *cpuProfile) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.profile == nil || live() || c.kept.Load() {
		return
	}
	if !c.profile.over() {
		pprof.StopCPUProfile()
	}
	c.profile = nil
}
