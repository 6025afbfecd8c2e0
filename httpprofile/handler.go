package httpprofile

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// handler is what Handler returns.
type handler struct {
	*config
	guard  guard
	folder folder
	mux    http.ServeMux
}

// Handler serves the recording of the process that it is in:
//
//	POST   /start_profile    begins a recording
//	POST   /stop_profile     ends it, and answers when its file is durable
//	GET    /profiles         lists recordings and files
//	GET    /profiles/{name}  a file
//	DELETE /profiles/{name}  removes it
//	GET    /debug/pprof/     what net/http/pprof serves, beside a recording too
//	GET    /debug/fgprof     what fgprof serves
//
// The profiles need a folder: PROFSCOPE_DIR in the environment, or [Dir].
//
// It registers nothing by itself: give it to a mux under "/", or under those
// patterns. See the package's documentation for the requests and for who is
// answered. It is safe for concurrent use; several handlers of a process share
// its recordings.
func Handler(opts ...Option) http.Handler {
	c := newConfig(opts)
	h := &handler{config: c, guard: guard{token: c.token, hosts: c.hosts}, folder: folder{of: "Handler", dir: c.dir, limit: c.limits.FolderBytes}}
	h.serve("/start_profile", map[string]serve{"POST": h.start})
	h.serve("/stop_profile", map[string]serve{"POST": h.stop})
	h.serve("/profiles", map[string]serve{"GET": h.list})
	h.serve("/profiles/{name}", map[string]serve{"GET": h.get, "DELETE": h.remove})
	h.debug()
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, failf(http.StatusNotFound, "there is no %s: /start_profile, /stop_profile, /profiles and /debug/pprof/ are there", r.URL.Path))
	})
	return h
}

// serve answers one request, or returns the error that answers it.
type serve func(http.ResponseWriter, *http.Request) error

// serve registers a path: other methods than those are refused as JSON too,
// which a mux of methods would not.
func (h *handler) serve(path string, methods map[string]serve) {
	allow := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
	h.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		f := methods[method]
		if f == nil {
			w.Header().Set("Allow", allow)
			refuse(w, failf(http.StatusMethodNotAllowed, "%s takes %s, and not %s", r.URL.Path, allow, r.Method))
			return
		}
		if err := f(w, r); err != nil {
			refuse(w, err)
		}
	})
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if err := h.guard.check(r); err != nil {
		if f, ok := err.(*failure); ok && f.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="profscope"`)
		}
		refuse(w, err)
		return
	}
	defer func() {
		// A panic of ours shall not take the connection without a word.
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			h.log.Error(fmt.Sprintf("profscope: serving %s panicked: %v", r.URL.Path, p))
			refuse(w, failf(http.StatusInternalServerError, "internal error, please report: %v", p))
		}
	}()
	h.mux.ServeHTTP(w, r)
}
