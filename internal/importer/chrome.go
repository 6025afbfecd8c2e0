package importer

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
)

// ChromeTrace is a Chrome trace, of torch.profiler or of any other producer.
// The format is
// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU.
// It holds a few dozen bytes for each event and no text twice.
type ChromeTrace struct {
	Warnings []string
	Events   int64  // all of the file, those that are no slices too
	Torch    bool   // it has operators, launches or kernels
	Rank     string // of distributedInfo, "" without
	About    About  // versions and devices
	BaseNano int64  // baseTimeNanoseconds: what the wall clock shows at time 0

	slices      sliceRuns
	edges       sliceRuns
	asyncs      sliceRuns
	names       []string
	nameBytes   int
	index       map[string]uint32
	threads     []threadName
	byName      map[threadName]uint32
	first, last int64 // the earliest begin and the latest end
	spanned     bool  // there is any

	// launches has the API call of each correlation id, the earliest where an
	// id comes twice; device has the work of each External id.
	launches  map[uint64]launch
	device    map[uint64]deviceWork
	overheads []slice

	cat, id []byte // of the event at hand
	all     sums   // of durations and bytes

	// phased counts the objects that have a "ph", and are events by that;
	// metadata those of them that name processes and threads alone.
	phased, metadata int64

	bad   map[string]int64
	notes map[string]int64 // what was taken otherwise than it stands there
}

type launch struct {
	ts   int64
	name uint32
}

// deviceWork is what a device did for one External id.
type deviceWork struct{ nanos, n int64 }

type threadName struct{ pid, tid uint32 }

type category uint8

const (
	catOther category = iota
	catAsync
	catKernel
	catMemcpy
	catMemset
	catGPUAnnotation
	catRuntime
	catDriver
	catOp
	catAnnotation
	catPython
	catOverhead
)

var categories = map[string]category{
	"kernel": catKernel, "gpu_memcpy": catMemcpy, "gpu_memset": catMemset, "gpu_user_annotation": catGPUAnnotation,
	"cuda_runtime": catRuntime, "cuda_driver": catDriver, "cpu_op": catOp, "user_annotation": catAnnotation,
	"python_function": catPython, "overhead": catOverhead,
}

func (c category) device() bool { return c == catKernel || c == catMemcpy || c == catMemset }
func (c category) api() bool    { return c == catRuntime || c == catDriver }

// What a file can make us keep is bounded: a trace of this many names or
// threads is none that a program wrote.
const (
	maxNames     = 1 << 19
	maxNameBytes = 64 << 20
	maxThreads   = 1 << 16
)

// Chrome reads a Chrome trace in its object or its array form, in one pass.
// What is damaged or makes no sense is left out and told in Warnings; the
// error is for a file of which nothing can be used.
func Chrome(r io.Reader) (*ChromeTrace, error) {
	t := &ChromeTrace{index: make(map[string]uint32), byName: make(map[threadName]uint32), bad: make(map[string]int64),
		notes: make(map[string]int64), launches: make(map[uint64]launch), device: make(map[uint64]deviceWork)}
	t.asyncs.byTime = true
	t.intern(nil)
	s := newJSONScan(r)
	s.mark()
	found, whole := false, false
	switch s.peek() {
	case '[':
		found = true
		whole = s.array(func() bool { return t.event(s, 0) })
	case '{':
		whole = s.object(func(key []byte) bool {
			switch {
			case string(key) == "traceEvents" && s.peek() == '[':
				found = true
				return s.array(func() bool { return t.event(s, 0) })
			case string(key) == "distributedInfo" && s.peek() == '{':
				return s.object(func(key []byte) bool {
					if string(key) == "rank" {
						v, ok := value(s)
						t.Rank = string(v)
						return ok
					}
					return s.skip()
				})
			case string(key) == "baseTimeNanoseconds":
				v, ok := value(s)
				t.BaseNano, _ = strconv.ParseInt(string(v), 10, 64)
				return ok
			}
			return t.about(s, key)
		})
	default:
		return nil, fmt.Errorf("read Chrome trace: byte %d: %w", s.offset(), errJSON)
	}
	if s.err != nil && s.err != io.EOF && !whole {
		if t.nothing() != "" {
			return nil, fmt.Errorf("read Chrome trace: after %d bytes: %w", s.offset(), s.err)
		}
		t.warn("the file cannot be read beyond byte %d (%v): %d events before it are kept", s.offset(), s.err, t.Events)
	} else if !whole {
		t.warn("the file breaks off or is damaged at byte %d: %d events before it are kept", s.offset(), t.Events)
	}
	if !found {
		return nil, fmt.Errorf("read Chrome trace: it has no traceEvents up to byte %d", s.offset())
	}
	if what := t.nothing(); what != "" {
		return nil, fmt.Errorf("read Chrome trace: %s", what)
	}
	t.finish()
	return t, nil
}

// nothing tells why there is nothing in the trace, "" if there is something.
// Any list of JSON objects has the shape of a trace, torch's own averages too,
// and none that is no trace may pass for an empty one.
func (t *ChromeTrace) nothing() string {
	switch {
	case t.Events == 0:
		return "there is no event in it"
	case t.phased == 0:
		return fmt.Sprintf("there is no event in it: each has a \"ph\", and none of its objects (%d) has", t.Events)
	case t.phased == t.metadata:
		return fmt.Sprintf("there is nothing to show in it: its events are metadata alone, \"ph\": \"M\" (%d), which name processes and threads", t.metadata)
	}
	return ""
}

// First returns when the first slice begins, in nanoseconds of the trace's clock.
func (t *ChromeTrace) First() int64 { return t.first }

func (t *ChromeTrace) warn(f string, args ...any) {
	t.Warnings = append(t.Warnings, fmt.Sprintf(f, args...))
}

// intern returns the number of a text; all beyond the bounds share one.
func (t *ChromeTrace) intern(b []byte) uint32 {
	if i, ok := t.index[string(b)]; ok {
		return i
	}
	if len(t.names) >= maxNames || t.nameBytes+len(b) > maxNameBytes {
		t.notes["more names than are told apart: the rest is called "+manyNames]++
		b = []byte(manyNames)
		if i, ok := t.index[manyNames]; ok {
			return i
		}
	}
	i, s := uint32(len(t.names)), string(b)
	t.names = append(t.names, s)
	t.nameBytes += len(s)
	t.index[s] = i
	return i
}

const manyNames = "(others)"

func (t *ChromeTrace) threadOf(who threadName) uint32 {
	th, known := t.byName[who]
	if !known {
		if len(t.threads) >= maxThreads {
			t.notes["more threads than are told apart: the rest is taken for one"]++
			return uint32(len(t.threads)) - 1
		}
		th = uint32(len(t.threads))
		t.threads = append(t.threads, who)
		t.byName[who] = th
	}
	return th
}

func (t *ChromeTrace) span(begin, end int64) {
	if !t.spanned {
		t.spanned, t.first, t.last = true, begin, end
	}
	t.first, t.last = min(t.first, begin), max(t.last, end)
}

// add takes a slice that is whole.
func (t *ChromeTrace) add(e *slice) {
	if t.all.add(e.dur, e.bytes) != nil {
		t.bad["with those before them they take longer than can be counted, or move more bytes"]++
		return
	}
	t.span(e.ts, e.end())
	t.Torch = t.Torch || e.cat >= catKernel
	switch {
	case e.cat.device():
		d := t.device[e.ext]
		t.device[e.ext] = deviceWork{d.nanos + e.dur, d.n + 1}
	case e.cat.api() && e.corr != 0:
		if l, ok := t.launches[e.corr]; !ok || e.ts < l.ts {
			t.launches[e.corr] = launch{e.ts, e.name}
		}
	case e.cat == catOverhead:
		t.overheads = append(t.overheads, *e)
	}
	t.slices.add(e)
}

// finish pairs begins and ends.
func (t *ChromeTrace) finish() {
	t.pairNested()
	t.pairAsync()
	t.slices.seal()
	t.index, t.byName, t.cat, t.id = nil, nil, nil, nil
	for _, what := range slices.Sorted(maps.Keys(t.bad)) {
		t.warn("%d events are damaged: %s", t.bad[what], what)
	}
	for _, what := range slices.Sorted(maps.Keys(t.notes)) {
		t.warn("the trace has %s (%d times)", what, t.notes[what])
	}
}
