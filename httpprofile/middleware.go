package httpprofile

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/internal/dest"
	"github.com/profscope/profscope/internal/session"
)

// Always has the middleware record every request, not only while a recording
// runs. Then the process's tracer and CPU profile are in use all the time: who
// else wants them is refused by the runtime, unless through /debug/pprof/ of
// [Handler]; the option cprofile.Samples(false) leaves the CPU profile alone.
func Always() Option { return func(c *config) { c.always = true } }

// Route names the destination of a request, where the pattern of its ServeMux
// does not: for other routers. It must return a pattern and never what a client
// chose, a path or an id: beyond 256 names, requests count for "other".
func Route(f func(*http.Request) string) Option { return func(c *config) { c.route = f } }

// Profile gives the scopes of the middleware options of package cprofile:
// SlowerThan, OnCall, Also and so on. Of a name given to Also only the ending
// counts, for each route has its own: Also("x.txt") writes
// "route-GET_v1_models.txt" beside "route-GET_v1_models.prof".
func Profile(opts ...cprofile.Option) Option {
	return func(c *config) { c.profile = append(c.profile, opts...) }
}

// ServerTiming sends each recorded request's totals as the trailer
// Server-Timing: what it ran, waited for a processor, was blocked and in system
// calls, in milliseconds. They are known when the request has ended and its
// trace has been read: that takes the request's goroutine some milliseconds
// after its answer, and a Content-Length is given up for it in HTTP/1.1. Answers that
// have no trailers are left as they are: to HEAD, in HTTP/1.0, of a status without
// content.
func ServerTiming() Option { return func(c *config) { c.timing = true } }

// middleware is what Middleware returns.
type middleware struct {
	*config
	next   http.Handler
	folder folder
	routes routes
}

// Middleware profiles the requests that next serves: one scope each, on the
// request's goroutine and those that it starts; workers take part by
// context.Join with the request's context. Requests of one route pattern add up
// in one file, "route-GET_v1_models.prof" in the folder of the profiles for
// "GET /v1/models": the pattern of next, if that is a ServeMux, of the mux that
// the middleware is within, or what the option Route says.
//
// Who comes while the first request of a route makes its file ready waits a tenth
// of a second for it at most, and is not recorded if that is not enough.
//
// By default a request is recorded only if it begins while a recording of a
// [Handler] runs, so that between recordings it costs a look at one number. With
// [Keep], slow ones are by SlowerThan at any time, from what is kept.
// The ResponseWriter is passed on as it is, but for ServerTiming. A panic passes
// through, and the scope is ended.
func Middleware(next http.Handler, opts ...Option) http.Handler {
	c := newConfig(opts)
	return &middleware{config: c, next: next, folder: folder{of: "Middleware", dir: c.dir, limit: c.limits.FolderBytes}}
}

func (m *middleware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	recorded := m.always || session.Recorded()
	if !recorded && !session.Keeping() {
		m.next.ServeHTTP(w, r)
		return
	}
	switch d := m.find(m.pattern(r)); {
	case d.door == nil || !recorded && !d.door.OnlySlow():
		m.next.ServeHTTP(w, r)
	case !recorded:
		sc := d.door.BeginKept()
		defer sc.End()
		m.serve(w, r, sc)
	case m.timing && hasTrailers(r):
		m.timed(d, w, r)
	default:
		sc := d.door.Begin()
		defer sc.End() // what fails is told by OnError or the log
		m.serve(w, r, sc)
	}
}

// scope is what a request's context carries.
type scope interface {
	Attach(context.Context) context.Context
}

// serve has next serve the request, whose context carries the scope.
func (m *middleware) serve(w http.ResponseWriter, r *http.Request, sc scope) {
	in := r.WithContext(sc.Attach(r.Context()))
	defer func() { r.Pattern = in.Pattern }() // who logs requests looks for it here
	m.next.ServeHTTP(w, in)
}

// pattern is the name of the request's route.
func (m *middleware) pattern(r *http.Request) string {
	if m.route != nil {
		return m.route(r)
	}
	if mux, ok := m.next.(*http.ServeMux); ok {
		if _, pattern := mux.Handler(r); pattern != "" {
			return pattern
		}
	}
	if r.Pattern != "" {
		return r.Pattern
	}
	return "other"
}

// find returns the destination of a route, which its first request opens.
func (m *middleware) find(pattern string) *destination {
	rt := m.routes.of(pattern)
	if d := rt.dest.Load(); d != nil {
		return d
	}
	if !rt.enter() {
		return nowhere
	}
	defer rt.leave()
	if d := rt.dest.Load(); d != nil { // just now
		return d
	}
	return m.open(rt)
}

// open opens the destination of a route; while its folder cannot be had, that is
// tried again now and then. The caller holds rt.mu.
func (m *middleware) open(rt *route) *destination {
	first := rt.tried.IsZero()
	if !first && time.Since(rt.tried) < openAgain {
		return nowhere
	}
	files, err := m.files(rt.pattern)
	rt.tried = time.Now()
	if err != nil {
		if first { // told once
			m.log.Error("profscope: requests are not profiled", "route", rt.pattern, "error", err)
		}
		return nowhere
	}
	d := &destination{session.Open(files[0], m.options(rt.pattern, files[1:])...)}
	rt.dest.Store(d)
	return d
}

// files returns the file of a route and then those for Also.
func (m *middleware) files(pattern string) ([]string, error) {
	root, err := m.folder.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var asked session.Options
	for _, set := range m.profile {
		if set != nil {
			set(&asked)
		}
	}
	name := fileOf(root.Name(), pattern)
	var files []string
	for _, file := range append([]string{".prof"}, asked.Also...) {
		if !dest.IsStdout(file) { // that is for all routes
			if file, err = m.folder.path(root, name+endingOf(file)); err != nil {
				return nil, err
			}
		}
		files = append(files, file)
	}
	return files, nil
}

// endingOf returns what picks the format of a file.
func endingOf(file string) string {
	for _, e := range fileEndings {
		if strings.HasSuffix(strings.ToLower(file), e) {
			return e
		}
	}
	return filepath.Ext(file)
}

// options are those of a route. The files for Also come last: a file that two
// routes wrote would be refused to the second.
func (m *middleware) options(pattern string, also []string) []cprofile.Option {
	opts := append([]cprofile.Option{
		cprofile.Name(pattern),
		cprofile.OnError(func(err error) {
			m.log.Error("profscope: profile of a route failed", "route", pattern, "error", err)
		}),
	}, m.profile...)
	return append(opts, func(o *session.Options) { o.Also = also })
}

var unsafe = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// taken has the pattern that a file is of, by its path: middlewares of one
// process share folders.
var taken sync.Map

// fileOf makes a file name, without its ending, of a pattern. Of patterns that
// have the same, those that come later have a number in theirs, made of the pattern.
func fileOf(dir, pattern string) string {
	name := strings.Trim(unsafe.ReplaceAllString(pattern, "_"), "_")
	name = "route-" + name[:min(len(name), 80)]
	if by, _ := taken.LoadOrStore(filepath.Join(dir, name), pattern); by != pattern {
		h := fnv.New32a()
		h.Write([]byte(pattern))
		name += fmt.Sprintf("-%08x", h.Sum32())
	}
	return name
}

// timed serves a request whose totals are sent after its answer.
func (m *middleware) timed(d *destination, w http.ResponseWriter, r *http.Request) {
	t := trailing{w: w, chunks: r.ProtoMajor == 1}
	// No channel: made in a bubble of testing/synctest, it must not be used outside.
	var totals atomic.Pointer[session.Stats]
	sc := d.door.Calling(func(s session.Stats) { totals.Store(&s) }).BeginTask()
	answered := false
	defer func() {
		_ = sc.End() // OnError has been told
		if !answered {
			return // a panic
		}
		session.Settle(timingPatience)
		if s := totals.Load(); s != nil { // else the trace did not show it, or not in time
			w.Header().Set(timingTrailer, serverTiming(s))
		}
	}()
	m.serve(t.wrap(), r, sc)
	t.announce(http.StatusOK) // of a handler that wrote nothing
	answered = true
}

// timingPatience bounds how long a request's connection waits for its totals. Tests
// have more of it.
var timingPatience = time.Second

// serverTiming writes totals in the syntax of the header.
func serverTiming(s *session.Stats) string {
	var all session.States
	for _, t := range []session.States{s.States, s.Spawned, s.Joined} {
		all.Running += t.Running
		all.Runnable += t.Runnable
		all.Blocked += t.Blocked
		all.Syscall += t.Syscall
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.3f", float64(d)/1e6) }
	return "total;dur=" + ms(s.Elapsed) + ", running;dur=" + ms(all.Running) + ", runnable;dur=" + ms(all.Runnable) +
		", blocked;dur=" + ms(all.Blocked) + ", syscall;dur=" + ms(all.Syscall)
}
