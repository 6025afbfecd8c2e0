package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/httpprofile"
)

// A recorded server is profiled by the HTTP door: a middleware around its
// handler, which can be switched off, and the endpoints at an address of their
// own.
type recorded struct {
	dir    string
	direct atomic.Bool
	door   *httptest.Server
}

func newRecorded(dir string) *recorded {
	r := &recorded{dir: dir}
	r.direct.Store(true)
	r.door = httptest.NewServer(httpprofile.Handler(r.options()...))
	return r
}

func (r *recorded) options() []httpprofile.Option {
	return []httpprofile.Option{httpprofile.Dir(r.dir), httpprofile.Token(""), httpprofile.Logger(slog.New(slog.DiscardHandler))}
}

func (r *recorded) close() { r.door.Close() }

// wrap puts the middleware before a handler.
func (r *recorded) wrap(next http.Handler) http.Handler {
	with := httpprofile.Middleware(next, r.options()...)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.direct.Load() {
			next.ServeHTTP(w, req)
			return
		}
		with.ServeHTTP(w, req)
	})
}

// keep keeps the last of the trace from now on.
func (r *recorded) keep(d time.Duration) {
	httpprofile.Handler(append(r.options(), httpprofile.Keep(d))...)
}

// post calls an endpoint for the recording of that name.
func (r *recorded) post(path, name string) (file string, err error) {
	resp, err := http.Post(r.door.URL+path, "application/json", strings.NewReader(fmt.Sprintf(`{"name":%q}`, name)))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("POST %s: %s: %s", path, resp.Status, b)
	}
	var answer struct {
		Path string `json:"path"`
	}
	return answer.Path, json.Unmarshal(b, &answer)
}
