package importer

import (
	"maps"
	"slices"
)

// Bounds of what can be open at once. Begins beyond them are left out, with
// their ends.
const (
	maxOpenNested = 1 << 16
	maxOpenAsync  = 1 << 18
)

const (
	badEnd    = "an end without a begin"
	badBegin  = "a begin without an end (taken to end with the trace)"
	badNested = "more begins without an end at once than are followed"
)

// pairNested makes slices of begins and ends of threads: an end closes what
// began last.
func (t *ChromeTrace) pairNested() {
	t.edges.seal()
	var open []slice
	dropped := 0
	thread := uint32(0)
	closeAll := func() {
		for i := range open {
			t.unended(&open[i])
		}
		open, dropped = open[:0], 0
	}
	t.edges.all(func(e *slice) bool {
		if e.thread != thread {
			closeAll()
			thread = e.thread
		}
		switch n := len(open); {
		case e.edge == begins && n == maxOpenNested:
			dropped++
			t.bad[badNested]++
		case e.edge == begins:
			open = append(open, *e)
		case dropped > 0:
			dropped--
		case n == 0:
			t.bad[badEnd]++
		default:
			t.paired(&open[n-1], e.ts)
			open = open[:n-1]
		}
		return true
	})
	closeAll()
	t.edges = sliceRuns{}
}

// pairAsync makes slices of async begins and ends: an end closes what began
// last under its id with its name, or, where nothing has that name, with any.
func (t *ChromeTrace) pairAsync() {
	t.asyncs.seal()
	open := make(map[uint32][]slice)
	n := 0
	t.asyncs.all(func(e *slice) bool {
		list := open[e.detail]
		if e.edge == begins {
			if n == maxOpenAsync {
				t.bad[badNested]++
				return true
			}
			n++
			open[e.detail] = append(list, *e)
			return true
		}
		if len(list) == 0 {
			t.bad[badEnd]++
			return true
		}
		at := len(list) - 1
		// An id with very many open begins is no id: the last will do.
		for i := at; i >= max(0, at-100); i-- {
			if list[i].name == e.name {
				at = i
				break
			}
		}
		t.paired(&list[at], e.ts)
		n--
		if list = append(list[:at], list[at+1:]...); len(list) == 0 {
			delete(open, e.detail)
		} else {
			open[e.detail] = list
		}
		return true
	})
	for _, id := range slices.Sorted(maps.Keys(open)) {
		for i := range open[id] {
			t.unended(&open[id][i])
		}
	}
	t.asyncs = sliceRuns{}
}

func (t *ChromeTrace) paired(s *slice, end int64) {
	s.dur, s.edge = end-s.ts, whole
	if s.cat == catAsync {
		s.detail = 0
	}
	t.add(s)
}

func (t *ChromeTrace) unended(s *slice) {
	t.bad[badBegin]++
	t.paired(s, t.last)
}
