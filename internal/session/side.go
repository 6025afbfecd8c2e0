package session

import (
	"math"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/internal/report"
)

// sideList takes the edges of scopes while no trace would show them. Who adds
// gives them to the engine now and then, so that what waits is little.
type sideList struct {
	mu    sync.Mutex
	edges []sideEdge
	spare []sideEdge // becomes edges when those are taken

	refused bool // a begin, since they were taken last
}

type sideEdge struct {
	task      uint64
	join      uint64 // 0 for an edge of the scope itself
	goroutine int64  // 0 for an end or a leave
	t         int64
}

const (
	sideBatch = 1 << 10
	// While the engine cannot take it, because it works through what came
	// before, sideMost bounds what waits, 32 MB: scopes that begin beyond are
	// missing, and told. From half of it on each begin waits a little.
	sideMost = 1 << 20
	sideWait = 50 * time.Microsecond
)

const refusedNote = "Scopes began faster than they could be counted while the trace was worked through: some are missing."

// begin notes the begin of a scope on the calling goroutine; kept says that
// there was room for it.
func (l *sideList) begin(task uint64, asked *asking) (kept bool) {
	t := nanotime()
	g, ok := asked.goroutine(t)
	if !ok {
		g = nobody(task)
	}
	return l.add(sideEdge{task: task, goroutine: g, t: t})
}

// join notes that the calling goroutine has joined the scope.
func (l *sideList) join(task, join uint64, asked *asking) {
	t := nanotime()
	g, ok := asked.goroutine(t)
	if !ok {
		g = nobody(joins | join)
	}
	l.add(sideEdge{task: task, join: join, goroutine: g, t: t})
}

// joins sets the numbers of joins apart from those of scopes.
const joins = 1 << 62

func (l *sideList) end(task uint64)   { l.add(sideEdge{task: task, t: nanotime()}) }
func (l *sideList) leave(join uint64) { l.add(sideEdge{join: join, t: nanotime()}) }

// add appends the edge. Only begins are refused: an end makes room.
func (l *sideList) add(e sideEdge) bool {
	l.mu.Lock()
	n := len(l.edges) + 1
	if n > sideMost && e.goroutine != 0 {
		l.refused = true
		l.mu.Unlock()
		return false
	}
	l.edges = append(l.edges, e)
	l.mu.Unlock()
	if word.Load()&sideBit == 0 {
		// The next trace has begun meanwhile. What it shows of this scope comes
		// after the edge.
		rec.mu.Lock()
		l.apply(theEngine())
		rec.mu.Unlock()
	} else if n%sideBatch == 0 && rec.mu.TryLock() { // or else who is there does it
		l.apply(theEngine())
		rec.mu.Unlock()
	}
	if n > sideMost/2 && e.goroutine != 0 {
		time.Sleep(sideWait)
	}
	return true
}

// apply gives the edges to the engine, in their order. The caller holds
// recorder.mu: of two at once the later ones could come first.
func (l *sideList) apply(e *report.Engine) {
	l.mu.Lock()
	edges := l.edges
	refused := l.refused
	l.edges, l.spare, l.refused = l.spare, nil, false
	l.mu.Unlock()
	if refused {
		e.Note(nil, refusedNote)
	}
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
	if cap(edges) <= 4*sideBatch { // more is of a time that is over
		l.mu.Lock()
		l.spare = edges[:0]
		l.mu.Unlock()
	}
}

// nobody is the goroutine of a scope or a join of which it is not known on
// which it began: an id that no goroutine has, -1 being the trace's word for
// none.
func nobody(number uint64) int64 { return -1 - int64(number) }

// asking limits what it may cost to ask for the id of the calling goroutine.
// Nothing but the text of a stack tells it, and the whole stack is walked for
// that: 3 microseconds for a short one, 14 for one of 20 frames, 50 for 100. A
// hundredth of the time is spent on it, by one goroutine after the other; the
// zero value is ready. What began on a goroutine that was not asked for has
// unknown time, if it outlasts the gap in the trace.
type asking struct{ next atomic.Int64 }

const askShare = 100

func (a *asking) goroutine(now int64) (id int64, ok bool) {
	if next := a.next.Load(); now < next || !a.next.CompareAndSwap(next, math.MaxInt64) {
		return 0, false
	}
	id = goroutineID()
	a.next.Store(now + askShare*(nanotime()-now))
	return id, true
}

// goroutineID returns the id of the calling goroutine, from the first line of
// its stack trace, the only place where Go tells it.
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
