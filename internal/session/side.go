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
	join      uint64 // 0 for an edge of the scope itself
	goroutine int64  // 0 for an end or a leave
	t         int64
}

func (l *sideList) begin(task uint64) {
	l.add(sideEdge{task: task, goroutine: goroutineID(), t: nanotime()})
}

func (l *sideList) join(task, join uint64) {
	l.add(sideEdge{task: task, join: join, goroutine: goroutineID(), t: nanotime()})
}

func (l *sideList) end(task uint64)   { l.add(sideEdge{task: task, t: nanotime()}) }
func (l *sideList) leave(join uint64) { l.add(sideEdge{join: join, t: nanotime()}) }

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
		switch {
		case x.join != 0 && x.goroutine != 0:
			e.JoinAt(x.task, x.join, x.goroutine, x.t)
		case x.join != 0:
			e.LeaveAt(x.join, x.t)
		case x.goroutine != 0:
			e.BeginAt(x.task, x.goroutine, x.t)
		default:
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
