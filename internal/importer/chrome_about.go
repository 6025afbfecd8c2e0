package importer

import (
	"strings"
	"time"
)

// About is what a trace says of its making: names and values, in the file's
// order.
type About []struct{ Name, Value string }

// maxAbout bounds it, for a file may say what it likes.
const maxAbout = 64

func (a *About) add(name string, value []byte) {
	if len(*a) < maxAbout && len(value) > 0 && len(value) <= 200 {
		*a = append(*a, struct{ Name, Value string }{name, string(value)})
	}
}

// about reads the value of a key beside the events: a version, as torch writes
// them of CUDA and others of themselves, or the devices, by name.
func (t *ChromeTrace) about(s *jsonScan, key []byte) (ok bool) {
	name := string(key)
	switch c := s.peek(); {
	case name == "deviceProperties" && c == '[':
		return s.array(func() bool {
			if s.peek() != '{' {
				return s.skip()
			}
			return s.object(func(key []byte) bool {
				if string(key) != "name" || s.peek() != '"' {
					return s.skip()
				}
				v, ok := value(s)
				t.About.add("device", v)
				return ok
			})
		})
	case len(name) <= 64 && strings.Contains(strings.ToLower(name), "version") && c != '{' && c != '[':
		v, ok := value(s)
		t.About.add(strings.ReplaceAll(name, "_", " "), v)
		return ok
	}
	return s.skip()
}

// Lasts returns the time from the first begin to the last end.
func (t *ChromeTrace) Lasts() time.Duration { return time.Duration(t.last - t.first) }

// Begins returns the wall clock at the first begin; zero if the trace does not
// tell.
func (t *ChromeTrace) Begins() time.Time {
	if t.BaseNano == 0 {
		return time.Time{}
	}
	return time.Unix(0, t.BaseNano+t.first)
}

// Threads returns how many threads and streams have events.
func (t *ChromeTrace) Threads() int { return len(t.threads) }
