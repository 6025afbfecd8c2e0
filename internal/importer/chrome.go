package importer

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
)

// ChromeOptions say how a Chrome trace is read. The zero value is ready.
type ChromeOptions struct{}

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
func Chrome(r io.Reader, _ ChromeOptions) (*ChromeTrace, error) {
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
		if t.Events == 0 {
			return nil, fmt.Errorf("read Chrome trace: after %d bytes: %w", s.offset(), s.err)
		}
		t.warn("the file cannot be read beyond byte %d (%v): %d events before it are kept", s.offset(), s.err, t.Events)
	} else if !whole {
		t.warn("the file breaks off or is damaged at byte %d: %d events before it are kept", s.offset(), t.Events)
	}
	if !found {
		return nil, fmt.Errorf("read Chrome trace: it has no traceEvents up to byte %d", s.offset())
	}
	if t.Events == 0 {
		return nil, fmt.Errorf("read Chrome trace: it has no events up to byte %d", s.offset())
	}
	t.finish()
	return t, nil
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

// value reads a string or a number; of anything else it gives nothing.
func value(s *jsonScan) ([]byte, bool) {
	switch s.peek() {
	case '"':
		return s.text()
	case '{', '[':
		return nil, s.skip()
	case 0, ',', '}', ']', ':':
		return nil, false
	}
	return s.token(), true
}

// number reads an id; what is none, or of more than 64 bits, is 0, as if it
// were not there.
func number(s *jsonScan) (uint64, bool) {
	b, ok := value(s)
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' || n > (1<<64-1-9)/10 {
			return 0, ok
		}
		n = n*10 + uint64(c-'0')
	}
	return n, ok
}

// maxLists is how deep events may lie in lists of lists.
const maxLists = 16

// event reads one element of traceEvents.
func (t *ChromeTrace) event(s *jsonScan, depth int) bool {
	switch c := s.peek(); {
	case c == '[' && depth < maxLists:
		return s.array(func() bool { return t.event(s, depth+1) })
	case c != '{':
		t.bad["no objects"]++
		return s.skip()
	}
	var e slice
	var ph byte
	var who threadName
	var hasTS, badTime bool
	t.cat, t.id = t.cat[:0], t.id[:0]
	ok := s.object(func(key []byte) bool {
		var b []byte
		ok := true
		switch string(key) {
		case "ph":
			if b, ok = value(s); len(b) == 1 {
				ph = b[0]
			}
		case "cat":
			if b, ok = value(s); ok {
				e.cat = categories[string(b)]
				t.cat = append(t.cat[:0], b...)
			}
		case "name":
			if b, ok = value(s); ok {
				e.name = t.intern(b)
			}
		case "pid":
			b, ok = value(s)
			who.pid = t.intern(b)
		case "tid":
			b, ok = value(s)
			who.tid = t.intern(b)
		case "id", "scope":
			b, ok = value(s)
			t.id = append(append(append(t.id, key...), 0), b...)
		case "id2":
			if s.peek() != '{' {
				return s.skip()
			}
			return s.object(func(key []byte) bool {
				t.id = append(append(t.id, key...), 0)
				b, ok := value(s)
				t.id = append(t.id, b...)
				return ok
			})
		case "ts":
			b, ok = value(s)
			var good bool
			e.ts, good = thousandths(b)
			hasTS, badTime = true, badTime || !good
		case "dur":
			b, ok = value(s)
			var good bool
			e.dur, good = thousandths(b)
			badTime = badTime || !good || e.dur < 0
		case "args":
			if s.peek() != '{' {
				return s.skip()
			}
			return t.args(s, &e)
		default:
			return s.skip()
		}
		return ok
	})
	if !ok {
		return false
	}
	t.Events++
	switch ph {
	case 'X', 'B', 'E', 'b', 'e', 'S', 'F':
	default:
		return true
	}
	if badTime || !hasTS {
		t.bad["a time that is none"]++
		return true
	}
	e.thread = t.threadOf(who)
	switch ph {
	case 'X':
		t.add(&e)
		return true
	case 'B', 'b', 'S':
		e.edge = begins
	default:
		e.edge = ends
	}
	e.dur = 0
	t.span(e.ts, e.ts)
	if ph == 'B' || ph == 'E' {
		t.edges.add(&e)
		return true
	}
	// Begin and end may be on different threads, and of one id only within
	// what counts as its scope: the category, and the process unless the
	// producer says otherwise.
	if !bytes.HasPrefix(t.id, []byte("global\x00")) {
		t.id = append(append(t.id, 0), t.names[who.pid]...)
	}
	e.cat, e.detail = catAsync, t.intern(append(append(t.id, 0), t.cat...))
	e.ext, e.corr, e.py, e.parent = 0, 0, 0, 0
	t.asyncs.add(&e)
	return true
}

func (t *ChromeTrace) span(begin, end int64) {
	if !t.spanned {
		t.spanned, t.first, t.last = true, begin, end
	}
	t.first, t.last = min(t.first, begin), max(t.last, end)
}

// add takes a slice that is whole.
func (t *ChromeTrace) add(e *slice) {
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

func (t *ChromeTrace) args(s *jsonScan, e *slice) bool {
	var d [6]string
	some := false
	ok := s.object(func(key []byte) (ok bool) {
		at := -1
		switch string(key) {
		case "External id":
			e.ext, ok = number(s)
			return ok
		case "correlation":
			e.corr, ok = number(s)
			return ok
		case "Python id":
			e.py, ok = number(s)
			return ok
		case "Python parent id":
			e.parent, ok = number(s)
			return ok
		case "bytes":
			b, ok := value(s)
			e.bytes, _ = strconv.ParseInt(string(b), 10, 64)
			return ok
		case "grid":
			at = 0
		case "block":
			at = 1
		case "registers per thread":
			at = 2
		case "shared memory":
			at = 3
		case "stream":
			at = 4
		case "device":
			at = 5
		}
		if at < 0 {
			return s.skip()
		}
		some = true
		if s.peek() == '[' {
			return s.array(func() bool {
				b, ok := value(s)
				if d[at] != "" {
					d[at] += "x"
				}
				if len(d[at]) < 64 {
					d[at] += string(b)
				}
				return ok && len(b) > 0
			})
		}
		b, ok := value(s)
		d[at] = string(b)
		return ok
	})
	if some {
		e.detail = t.intern([]byte(d[0] + "\x00" + d[1] + "\x00" + d[2] + "\x00" + d[3] + "\x00" + d[4] + "\x00" + d[5]))
	}
	return ok
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
