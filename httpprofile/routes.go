package httpprofile

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/internal/session"
)

// maxRoutes bounds the destinations of a middleware.
const maxRoutes = 256

// openAgain is how long a route waits for its folder to be tried again.
const openAgain = time.Second

// routes are those of a middleware, by pattern. Every request asks for one, and
// does so without a lock. The zero value is ready.
type routes struct {
	known sync.Map     // *route by pattern
	mu    sync.Mutex   // held to add one
	n     atomic.Int32 // how many there are; changed under mu
}

// route is a pattern and where its requests are written.
type route struct {
	pattern string
	dest    atomic.Pointer[destination] // nil while there is none

	mu    sync.Mutex  // held by who opens it
	stuck atomic.Bool // who does takes too long to be waited for
	tried time.Time   // when that was tried last; guarded by mu
}

// openPatience is for a folder that is there: a folder may also be on a disk that
// hangs, and the logger is the user's. A test has more of it.
var openPatience = 100 * time.Millisecond

// enter makes the caller the one who opens the route, and waits for who is at it,
// but not for long. By the clock and not by a channel: one of a bubble of
// testing/synctest is of no use outside.
func (rt *route) enter() bool {
	for end := time.Now().Add(openPatience); !rt.mu.TryLock(); time.Sleep(time.Millisecond) {
		if rt.stuck.Load() {
			return false
		}
		if time.Now().After(end) {
			rt.stuck.Store(true)
			return false
		}
	}
	return true
}

func (rt *route) leave() {
	rt.stuck.Store(false)
	rt.mu.Unlock()
}

// destination is where requests are written.
type destination struct {
	door *session.Door // nil if profiling is off
}

// nowhere is the destination of requests that are not profiled.
var nowhere = new(destination)

// of returns the route of a pattern, when there are too many that of "other".
func (rs *routes) of(pattern string) *route {
	if rt, ok := rs.known.Load(pattern); ok {
		return rt.(*route)
	}
	if rs.n.Load() >= maxRoutes {
		if rt, ok := rs.known.Load("other"); ok {
			return rt.(*route)
		}
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.n.Load() >= maxRoutes {
		pattern = "other"
	}
	rt, known := rs.known.LoadOrStore(pattern, &route{pattern: pattern})
	if !known {
		rs.n.Add(1)
	}
	return rt.(*route)
}
