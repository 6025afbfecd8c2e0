package httpprofile

import (
	"bufio"
	"bytes"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/felixge/fgprof"
	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/session"
)

// What follows answers as net/http/pprof does, its parameters, headers and
// words of errors, so that a scraper needs no change. net/http/pprof itself
// cannot be linked: it registers its handlers for everybody on the default
// mux, and takes the tracer and the CPU profile for itself.

// debug registers /debug/pprof/ and /debug/fgprof.
func (h *handler) debug() {
	for path, f := range map[string]http.HandlerFunc{
		"/debug/pprof/":        h.lookup,
		"/debug/pprof/cmdline": cmdline,
		"/debug/pprof/profile": h.cpu,
		"/debug/pprof/symbol":  h.symbol,
		"/debug/pprof/trace":   h.trace,
		"/debug/fgprof":        h.fgprof,
	} {
		methods := map[string]serve{"GET": func(w http.ResponseWriter, r *http.Request) error { f(w, r); return nil }}
		if path == "/debug/pprof/symbol" {
			methods["POST"] = methods["GET"]
		}
		h.serve(path, methods)
	}
}

// text answers with an error in net/http/pprof's form.
func text(w http.ResponseWriter, status int, format string, args ...any) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Go-Pprof", "1")
	w.Header().Del("Content-Disposition")
	w.WriteHeader(status)
	fmt.Fprintf(w, format+"\n", args...)
}

// attach makes the answer a file of that name.
func attach(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

// extend gives an answer that takes d the server's WriteTimeout beyond that, or
// a minute: a client that reads no more must not hold a recording up. One that
// would take longer than the limit is refused.
func (h *handler) extend(w http.ResponseWriter, r *http.Request, d time.Duration) bool {
	if d > h.limits.Scrape {
		text(w, http.StatusBadRequest, "profscope: %v is longer than the limit of %v", d, h.limits.Scrape)
		return false
	}
	patience := readPatience
	if srv, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && srv.WriteTimeout > 0 {
		patience = srv.WriteTimeout
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience + d)) // where there is no such thing, there is none
	return true
}

// seconds reads the parameter of that name, or returns what stands for none.
func seconds(r *http.Request, none float64) time.Duration {
	s, err := strconv.ParseFloat(r.FormValue("seconds"), 64)
	if err != nil || !(s > 0) {
		s = none
	}
	return time.Duration(min(s, 1e9) * float64(time.Second))
}

// cpu answers when the profile is whole, and not before: an error is an error
// then.
func (h *handler) cpu(w http.ResponseWriter, r *http.Request) {
	d := seconds(r, 30).Truncate(time.Second)
	if d == 0 {
		d = 30 * time.Second
	}
	if !h.extend(w, r, d) {
		return
	}
	var b bytes.Buffer
	if err := session.WriteCPU(r.Context(), d, &b); err != nil {
		text(w, http.StatusInternalServerError, "Could not enable CPU profiling: %s", err)
		return
	}
	attach(w, "profile")
	_, _ = w.Write(b.Bytes())
}

func (h *handler) trace(w http.ResponseWriter, r *http.Request) {
	d := seconds(r, 1)
	if !h.extend(w, r, d) {
		return
	}
	begun := false
	err := session.WriteTrace(r.Context(), d, w, func() { begun = true; attach(w, "trace") })
	switch {
	case err == nil:
	case !begun:
		text(w, http.StatusInternalServerError, "Could not enable tracing: %s", err)
	default:
		level := slog.LevelError
		if r.Context().Err() != nil { // the client has gone, or read no more
			level = slog.LevelInfo
		}
		h.log.Log(r.Context(), level, "profscope: an execution trace was not sent whole", "peer", r.RemoteAddr, "error", err)
		panic(http.ErrAbortHandler) // or the client would take it for whole
	}
}

// fgprof checks the seconds where fgprof's own handler reads them, whose answer
// to a wrong number has an error that is none.
func (h *handler) fgprof(w http.ResponseWriter, r *http.Request) {
	d := 30 * time.Second
	if s := r.URL.Query().Get("seconds"); s != "" {
		var ok bool
		if d, ok = wholeSeconds(w, s); !ok {
			return
		}
	}
	if h.extend(w, r, d) {
		fgprof.Handler().ServeHTTP(w, r)
	}
}

// wholeSeconds reads a parameter, or answers what is wrong with it.
func wholeSeconds(w http.ResponseWriter, s string) (time.Duration, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		text(w, http.StatusBadRequest, `invalid value for "seconds" - must be a positive integer`)
		return 0, false
	}
	return time.Duration(min(n, 1e9)) * time.Second, true
}

func cmdline(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, strings.Join(os.Args, "\x00"))
}

// symbol names the functions at addresses, which come separated by +.
func (h *handler) symbol(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	in := bufio.NewReader(strings.NewReader(r.URL.RawQuery))
	if r.Method == http.MethodPost {
		in = bufio.NewReader(http.MaxBytesReader(w, r.Body, h.limits.BodyBytes))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "num_symbols: 1\n") // more than 0: there are some
	for {
		word, err := in.ReadString('+')
		if pc, _ := strconv.ParseUint(strings.TrimSuffix(word, "+"), 0, 64); pc != 0 {
			if f := runtime.FuncForPC(uintptr(pc)); f != nil {
				fmt.Fprintf(&b, "%#x %s\n", pc, f.Name())
			}
		}
		if err != nil {
			break
		}
	}
	_, _ = w.Write(b.Bytes())
}

// lookup answers with one of runtime/pprof's profiles, or with the page that
// lists them.
func (h *handler) lookup(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/debug/pprof/")
	if name == "" {
		index(w)
		return
	}
	p := pprof.Lookup(name)
	if p == nil {
		text(w, http.StatusNotFound, "Unknown profile")
		return
	}
	if r.FormValue("seconds") != "" {
		h.delta(w, r, p)
		return
	}
	if gc, _ := strconv.Atoi(r.FormValue("gc")); name == "heap" && gc > 0 {
		runtime.GC()
	}
	debug, _ := strconv.Atoi(r.FormValue("debug"))
	if debug != 0 {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	} else {
		attach(w, name)
	}
	_ = p.WriteTo(w, debug) // the client's connection is all that can fail
}

// delta answers with what a profile gained in some seconds.
func (h *handler) delta(w http.ResponseWriter, r *http.Request, p *pprof.Profile) {
	d, ok := wholeSeconds(w, r.FormValue("seconds"))
	if !ok {
		return
	}
	if r.FormValue("debug") != "" && r.FormValue("debug") != "0" {
		text(w, http.StatusBadRequest, "seconds and debug params are incompatible")
		return
	}
	if !h.extend(w, r, d) {
		return
	}
	before, err := snapshot(p)
	if err != nil {
		text(w, http.StatusInternalServerError, "failed to collect profile: %v", err)
		return
	}
	begin := time.Now()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.Context().Done(): // nobody is there to be answered
		return
	case <-t.C:
	}
	after, err := snapshot(p)
	if err != nil {
		text(w, http.StatusInternalServerError, "failed to collect profile: %v", err)
		return
	}
	end := time.Now()
	before.Scale(-1)
	gained, err := profile.Merge([]*profile.Profile{before, after})
	if err != nil {
		text(w, http.StatusInternalServerError, "failed to compute delta: %v", err)
		return
	}
	gained.TimeNanos, gained.DurationNanos = end.UnixNano(), int64(end.Sub(begin)) // the wall clock may jump
	attach(w, p.Name()+"-delta")
	_ = gained.Write(w)
}

func snapshot(p *pprof.Profile) (*profile.Profile, error) {
	var b bytes.Buffer
	if err := p.WriteTo(&b, 0); err != nil {
		return nil, err
	}
	return profile.Parse(&b)
}

var indexPage = template.Must(template.New("index").Parse(`<!DOCTYPE html>
<html><head><title>/debug/pprof/</title></head><body>
<p>/debug/pprof/, beside profscope's recordings</p>
<table><thead><tr><td>Count</td><td>Profile</td></tr></thead>
{{range .}}<tr><td>{{.Count}}</td><td><a href='{{.Name}}?debug=1'>{{.Name}}</a></td></tr>
{{end}}</table>
<p><a href="goroutine?debug=2">full goroutine stack dump</a>,
<a href="profile?seconds=10">profile</a>, <a href="trace?seconds=1">trace</a>, <a href="../fgprof?seconds=10">fgprof</a>,
<a href="cmdline">cmdline</a>, <a href="symbol">symbol</a></p>
</body></html>
`))

func index(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	type row struct {
		Name  string
		Count int
	}
	var rows []row
	for _, p := range pprof.Profiles() {
		rows = append(rows, row{p.Name(), p.Count()})
	}
	_ = indexPage.Execute(w, rows) // the client's connection is all that can fail
}
