package importer

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/profscope/profscope/internal/ledger"
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
	BaseNano int64  // baseTimeNanoseconds: what the wall clock shows at time 0

	events  []slice
	edges   []edge
	names   []string
	index   map[string]uint32
	threads []threadName
	byName  map[threadName]uint32

	bad map[string]int64
}

type threadName struct{ pid, tid uint32 }

// slice is one event with a length.
type slice struct {
	ts, dur    int64 // nanoseconds
	name       uint32
	detail     uint32 // of work on the device: its grid, block, ...
	thread     uint32
	ext, corr  uint32 // External id and correlation
	bytes      int64
	py, parent uint32 // Python id and Python parent id
	cat        category
}

func (s *slice) end() int64 { return s.ts + s.dur }

// edge is the begin or the end of a slice that the file gives in two parts.
type edge struct {
	slice
	id    uint32
	begin bool
}

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

// Chrome reads a Chrome trace in its object or its array form, in one pass.
// What is damaged or makes no sense is left out and told in Warnings; the
// error is for a file of which nothing can be used.
func Chrome(r io.Reader, _ ChromeOptions) (*ChromeTrace, error) {
	t := &ChromeTrace{index: make(map[string]uint32), byName: make(map[threadName]uint32), bad: make(map[string]int64)}
	t.intern(nil)
	s := newJSONScan(r)
	found, whole := false, false
	switch s.peek() {
	case '[':
		found = true
		whole = s.array(func() bool { return t.event(s) })
	case '{':
		whole = s.object(func(key []byte) bool {
			switch {
			case string(key) == "traceEvents" && s.peek() == '[':
				found = true
				return s.array(func() bool { return t.event(s) })
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
			return s.skip()
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

func (t *ChromeTrace) warn(f string, args ...any) {
	t.Warnings = append(t.Warnings, fmt.Sprintf(f, args...))
}

func (t *ChromeTrace) intern(b []byte) uint32 {
	if i, ok := t.index[string(b)]; ok {
		return i
	}
	i, s := uint32(len(t.names)), string(b)
	t.names = append(t.names, s)
	t.index[s] = i
	return i
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

func number32(s *jsonScan) (uint32, bool) {
	b, ok := value(s)
	n, _ := strconv.ParseUint(string(b), 10, 32)
	return uint32(n), ok
}

// event reads one element of traceEvents.
func (t *ChromeTrace) event(s *jsonScan) bool {
	if s.peek() != '{' {
		t.bad["no objects"]++
		return s.skip()
	}
	var e slice
	var ph byte
	var who threadName
	var id uint32
	var hasTS, badTime bool
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
		case "id":
			if ph == 's' || ph == 'f' || ph == 't' {
				return s.skip()
			}
			b, ok = value(s)
			id = t.intern(b)
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
	case 'X', 'B', 'E', 'b', 'e':
	default:
		return true
	}
	if badTime || !hasTS {
		t.bad["a time that is none"]++
		return true
	}
	th, known := t.byName[who]
	if !known {
		th = uint32(len(t.threads))
		t.threads = append(t.threads, who)
		t.byName[who] = th
	}
	e.thread = th
	switch ph {
	case 'X':
		t.events = append(t.events, e)
	case 'b', 'e':
		e.cat = catAsync
		fallthrough
	default:
		t.edges = append(t.edges, edge{e, id, ph == 'B' || ph == 'b'})
	}
	return true
}

func (t *ChromeTrace) args(s *jsonScan, e *slice) bool {
	var d [6]string
	some := false
	ok := s.object(func(key []byte) (ok bool) {
		at := -1
		switch string(key) {
		case "External id":
			e.ext, ok = number32(s)
			return ok
		case "correlation":
			e.corr, ok = number32(s)
			return ok
		case "Python id":
			e.py, ok = number32(s)
			return ok
		case "Python parent id":
			e.parent, ok = number32(s)
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

// finish pairs begins and ends, and sorts: by thread and time, the outer
// slice first.
func (t *ChromeTrace) finish() {
	slices.SortStableFunc(t.edges, func(a, b edge) int { return cmp.Compare(a.ts, b.ts) })
	type key struct {
		thread, name, id uint32
		async            bool
	}
	open := make(map[key][]int)
	var last int64
	for i := range t.events {
		last = max(last, t.events[i].end())
	}
	for i := range t.edges {
		e := &t.edges[i]
		last = max(last, e.ts)
		k := key{thread: e.thread}
		if e.cat == catAsync {
			// Begin and end may be on different threads of a process.
			k = key{thread: t.threads[e.thread].pid, id: e.id, name: e.name, async: true}
		}
		if e.begin {
			open[k] = append(open[k], i)
			continue
		}
		if n := len(open[k]); n > 0 {
			b := &t.edges[open[k][n-1]]
			b.dur, b.begin = e.ts-b.ts, false
			open[k] = open[k][:n-1]
			t.events = append(t.events, b.slice)
		} else {
			t.bad["an end without a begin"]++
		}
	}
	for i := range t.edges {
		if e := &t.edges[i]; e.begin {
			e.dur = last - e.ts
			t.events = append(t.events, e.slice)
			t.bad["a begin without an end (taken to end with the trace)"]++
		}
	}
	t.edges, t.index, t.byName = nil, nil, nil
	for _, what := range slices.Sorted(mapKeys(t.bad)) {
		t.warn("%d events are damaged: %s", t.bad[what], what)
	}
	slices.SortStableFunc(t.events, func(a, b slice) int {
		return cmp.Or(cmp.Compare(a.thread, b.thread), cmp.Compare(a.ts, b.ts), cmp.Compare(b.dur, a.dur))
	})
	for i := range t.events {
		if c := t.events[i].cat; c >= catKernel {
			t.Torch = true
			break
		}
	}
}

func mapKeys(m map[string]int64) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// summed collects summaries by name.
type summed struct {
	at   map[uint32]int
	rows []ledger.Named
}

func (s *summed) add(t *ChromeTrace, e *slice) (row int) {
	if s.at == nil {
		s.at = make(map[uint32]int)
	}
	i, ok := s.at[e.name]
	if !ok {
		i = len(s.rows)
		s.at[e.name] = i
		s.rows = append(s.rows, ledger.Named{Name: t.names[e.name], Sum: new(ledger.Summary)})
	}
	s.rows[i].Sum.Add(e.dur)
	return i
}
