package session

import (
	"sync"

	"github.com/profscope/profscope/internal/report"
)

// slotSet is the set of slots in use or in reserve: what a recording that was
// ended under us is compared with.
type slotSet struct {
	mu sync.Mutex
	m  map[*slot]struct{}
}

func (t *slotSet) add(s *slot) {
	t.mu.Lock()
	if t.m == nil {
		t.m = make(map[*slot]struct{})
	}
	t.m[s] = struct{}{}
	t.mu.Unlock()
}

func (t *slotSet) drop(s *slot) {
	t.mu.Lock()
	delete(t.m, s)
	t.mu.Unlock()
}

// open returns the tasks that are open and, if before is not 0, were opened
// in a recording before that one.
func (t *slotSet) open(before int64) map[uint64]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	tasks := make(map[uint64]bool)
	for s := range t.m {
		if s.turn.Load()%2 == 1 && (before == 0 || s.rec.Load() < before) {
			tasks[s.task] = true
		}
	}
	return tasks
}

// without returns those tasks that no slot has.
func (t *slotSet) without(tasks map[uint64]bool) map[uint64]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := range t.m {
		delete(tasks, s.task)
	}
	return tasks
}

// begunBy returns the destinations of the scopes that are open and were opened
// in a recording up to that one.
func (t *slotSet) begunBy(recording int64) []*report.Destination {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ds []*report.Destination
	for s := range t.m {
		if id := s.rec.Load(); s.turn.Load()%2 == 1 && id > 0 && id <= recording {
			ds = append(ds, s.dest)
		}
	}
	return ds
}

// joins returns the joins of open scopes that have not been left.
func (t *slotSet) joins() map[uint64]*report.Destination {
	t.mu.Lock()
	defer t.mu.Unlock()
	joins := make(map[uint64]*report.Destination)
	for s := range t.m {
		if s.turn.Load()%2 == 0 {
			continue
		}
		s.joins.mu.Lock()
		for id, turn := range s.joins.ids {
			if turn == s.turn.Load() {
				joins[id] = s.dest
			}
		}
		s.joins.mu.Unlock()
	}
	return joins
}
