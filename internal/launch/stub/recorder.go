//go:build unix

package stub

import (
	"bytes"
	"io"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// A generation more often than the runtime's own one a second, so that a
	// program that is killed loses less. It writes the status of every
	// goroutine: where that takes long, it is done less often.
	advanceEvery = 400 * time.Millisecond
	advanceMost  = 2 * time.Second
	share        = 50 // a fiftieth of the time
	// lastWait bounds what a program that ends waits for the launcher.
	lastWait = 10 * time.Second
)

// recorder is this program's recording. Its methods may be called by any
// goroutine.
type recorder struct {
	link    *link
	samples bool     // take the CPU profiler
	modes   []string // whole-program profiles

	mu      sync.Mutex
	over    chan struct{} // closed when the recording ends; nil while there is none
	tracing bool          // its trace runs: not while the launcher catches up
	began   time.Time     // of the last trace
	sampled bool          // the CPU profiler is ours
	cpu     bytes.Buffer  // the profile of mode cpu
	lost    atomic.Bool   // a piece of this trace found no room
}

// Write takes bytes of the trace. It is called by the tracer's goroutine.
func (r *recorder) Write(p []byte) (int, error) {
	if r.lost.Load() {
		return len(p), nil // a trace with a hole is none
	}
	if !r.link.put(KindTrace, p) {
		r.lost.Store(true)
	}
	return len(p), nil
}

// start begins to record; while it does already, it does nothing.
func (r *recorder) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over != nil {
		return
	}
	r.link.put(KindBegin, nil)
	r.lost.Store(false)
	// The profiler first: its samples reach the trace from the begin on.
	r.sampleLocked()
	if err := trace.Start(r); err != nil {
		r.unsampleLocked()
		r.link.put(KindRefused, []byte(err.Error()))
		return
	}
	r.over, r.tracing, r.began = make(chan struct{}), true, time.Now()
	go r.tick(r.over)
	for _, m := range r.modes {
		switch m {
		case "mutex":
			runtime.SetMutexProfileFraction(1)
		case "block":
			runtime.SetBlockProfileRate(1)
		}
	}
}

func (r *recorder) sampleLocked() {
	if !r.samples {
		return
	}
	var w io.Writer = io.Discard
	r.cpu.Reset()
	if r.has("cpu") {
		w = &r.cpu
	}
	if err := pprof.StartCPUProfile(w); err != nil {
		r.link.put(KindNote, []byte("the program's own CPU profile runs ("+err.Error()+"): its samples are used"))
		return
	}
	r.sampled = true
}

func (r *recorder) unsampleLocked() {
	if r.sampled {
		pprof.StopCPUProfile()
		r.sampled = false
	}
}

func (r *recorder) has(mode string) bool {
	for _, m := range r.modes {
		if m == mode {
			return true
		}
	}
	return false
}

// stop ends the recording; the launcher is told how long it lasted, and so
// whether it has the end. While there is none, it does nothing.
func (r *recorder) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over == nil {
		return
	}
	r.endLocked()
	lasted := time.Since(r.began)
	if r.tracing { // else the trace that runs may be the program's
		r.tracing = false
		trace.Stop() // returns when the writer has all
	}
	r.unsampleLocked()
	for _, m := range r.modes {
		r.profile(m)
	}
	if r.lost.Load() {
		r.link.put(KindGap, nil)
	}
	r.link.put(KindEnd, strconv.AppendInt(nil, int64(lasted), 10))
}

// profile sends one of the runtime's own profiles.
func (r *recorder) profile(mode string) {
	var b bytes.Buffer
	b.WriteString(mode)
	b.WriteByte(0)
	switch mode {
	case "cpu":
		b.Write(r.cpu.Bytes())
		if r.cpu.Len() == 0 {
			return
		}
	default:
		name := map[string]string{"mem": "heap", "threads": "threadcreate"}[mode]
		if name == "" {
			name = mode
		}
		if mode == "mem" || mode == "allocs" {
			runtime.GC() // the profile is as of the last collection
		}
		p := pprof.Lookup(name)
		if p == nil || p.WriteTo(&b, 0) != nil {
			r.link.put(KindNote, []byte("this runtime has no profile "+name))
			return
		}
		switch mode {
		case "mutex":
			runtime.SetMutexProfileFraction(0)
		case "block":
			runtime.SetBlockProfileRate(0)
		}
	}
	r.link.put(KindProfile, b.Bytes())
}

func (r *recorder) endLocked() {
	close(r.over)
	r.over = nil
}

// tick keeps what a kill would lose small, and begins a new trace where the
// launcher could not keep up. It is begun within the trace, which then has its
// creation: one that waited from before it, and ends the only generation that
// there will be, would have no stack there, and would pass for the program's. It
// ends with the recording: a timer keeps the runtime from telling a deadlock.
func (r *recorder) tick(over chan struct{}) {
	// The first at once: a generation's end tells where each goroutine waits, and of
	// one that was woken before any end it is never known.
	for pause := time.Duration(0); ; {
		select {
		case <-over:
			return
		case <-time.After(pause):
		}
		if r.lost.Load() {
			if r.renew(over) {
				pause = 0
			}
			continue
		}
		t := time.Now()
		advance()
		pause = min(max(advanceEvery, share*time.Since(t)), advanceMost)
	}
}

// renew ends a trace with a hole and, when the launcher has caught up, begins
// the next, which it reports. over is that of the recording that is meant. The
// wait is without mu, for a program that ends has its own.
func (r *recorder) renew(over chan struct{}) (begun bool) {
	if !r.pause(over) {
		return false
	}
	r.link.drain(lastWait)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over != over {
		return false // it was stopped meanwhile, and maybe another one has begun
	}
	r.lost.Store(false)
	r.link.put(KindBegin, nil)
	if err := trace.Start(r); err != nil {
		r.endLocked()
		r.unsampleLocked()
		r.link.put(KindRefused, []byte(err.Error()))
		return false
	}
	r.tracing, r.began = true, time.Now()
	return true
}

// pause ends the trace of the recording, and reports whether that goes on.
func (r *recorder) pause(over chan struct{}) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over != over {
		return false
	}
	r.tracing = false
	trace.Stop()
	r.link.put(KindGap, nil)
	return true
}

// finish is for a program that ends: afterwards there is no recorder.
func (r *recorder) finish() {
	r.stop()
	r.link.drain(lastWait)
	r.link.close()
}

// obey carries out the launcher's commands until it has gone.
func (r *recorder) obey() {
	var line []byte
	buf := make([]byte, 256)
	for {
		n, err := r.link.f.Read(buf)
		for _, c := range buf[:n] {
			if c != '\n' {
				line = append(line, c)
				continue
			}
			word, _, _ := strings.Cut(string(line), " ")
			switch word {
			case CommandStart:
				r.start()
			case CommandStop:
				r.stop()
			case CommandAdvance:
				advance()
			}
			r.link.put(KindDone, line)
			line = line[:0]
		}
		if err != nil {
			r.link.close()
			r.finish()
			return
		}
	}
}
