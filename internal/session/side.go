package session

import (
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/profscope/profscope/internal/report"
)

// sideList takes the edges of scopes while no trace would show them.
type sideList struct {
	mu    sync.Mutex
	edges []sideEdge
}

type sideEdge struct {
	task      uint64
	goroutine int64 // 0 for an end
	t         int64
}

func (l *sideList) begin(task uint64) { l.add(sideEdge{task, goroutineID(), nanotime()}) }
func (l *sideList) end(task uint64)   { l.add(sideEdge{task, 0, nanotime()}) }

func (l *sideList) add(e sideEdge) {
	l.mu.Lock()
	l.edges = append(l.edges, e)
	l.mu.Unlock()
}

// apply gives the edges to the engine, in their order.
func (l *sideList) apply(e *report.Engine) {
	l.mu.Lock()
	edges := l.edges
	l.edges = nil
	l.mu.Unlock()
	for _, x := range edges {
		if x.goroutine != 0 {
			e.BeginAt(x.task, x.goroutine, x.t)
		} else {
			e.EndAt(x.task, x.t)
		}
	}
}

// goroutineID returns the id of the calling goroutine, from the first line of
// its stack trace, the only place where Go tells it. It takes a microsecond,
// and only the side list needs it.
func goroutineID() int64 {
	var buf [64]byte
	s := string(buf[:runtime.Stack(buf[:], false)])
	s = strings.TrimPrefix(s, "goroutine ")
	if i := strings.IndexByte(s, ' '); i >= 0 {
		s = s[:i]
	}
	id, _ := strconv.ParseInt(s, 10, 64)
	return id
}
