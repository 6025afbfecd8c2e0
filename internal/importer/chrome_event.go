package importer

import (
	"bytes"
	"strconv"
)

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
	if ph != 0 {
		t.phased++
	}
	switch ph {
	case 'M':
		t.metadata++
		return true
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

func (t *ChromeTrace) args(s *jsonScan, e *slice) bool {
	var d [6]string
	some := false
	ok := s.object(func(key []byte) (ok bool) {
		at := -1
		var id *uint64
		switch string(key) {
		case "External id":
			id = &e.ext
		case "correlation":
			id = &e.corr
		case "Python id":
			id = &e.py
		case "Python parent id":
			id = &e.parent
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
		if id != nil {
			*id, ok = number(s)
			return ok
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
