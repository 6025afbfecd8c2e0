package httpprofile

import (
	"io"
	"net/http"

	"github.com/felixge/httpsnoop"
)

const timingTrailer = "Server-Timing"

// hasTrailers reports whether the answer to a request may have trailers.
func hasTrailers(r *http.Request) bool {
	return r.Method != http.MethodHead && r.ProtoAtLeast(1, 1)
}

// trailing announces the trailer when an answer's header is written, and not
// before: a handler may set trailers of its own.
//
// http.TrailerPrefix needs no announcement, but in HTTP/1.1 comes too late: an
// answer that fits into the server's buffer has got a Content-Length when the
// handler ends, and only one in chunks has trailers.
type trailing struct {
	w      http.ResponseWriter
	chunks bool // trailers are those of chunks
	done   bool
}

// announce is called with the status that the header is about to be written with.
func (t *trailing) announce(status int) {
	if t.done || status < 200 && status != http.StatusSwitchingProtocols { // others follow
		return
	}
	t.done = true
	switch status {
	case http.StatusSwitchingProtocols, http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return // they end with their header
	}
	t.w.Header().Add("Trailer", timingTrailer)
	if t.chunks {
		t.w.Header().Del("Content-Length")
	}
}

// wrap returns the writer for the handler.
func (t *trailing) wrap() http.ResponseWriter {
	return httpsnoop.Wrap(t.w, httpsnoop.Hooks{
		WriteHeader: func(next httpsnoop.WriteHeaderFunc) httpsnoop.WriteHeaderFunc {
			return func(code int) { t.announce(code); next(code) }
		},
		Write: func(next httpsnoop.WriteFunc) httpsnoop.WriteFunc {
			return func(p []byte) (int, error) { t.announce(http.StatusOK); return next(p) }
		},
		ReadFrom: func(next httpsnoop.ReadFromFunc) httpsnoop.ReadFromFunc {
			return func(src io.Reader) (int64, error) { t.announce(http.StatusOK); return next(src) }
		},
		Flush: func(next httpsnoop.FlushFunc) httpsnoop.FlushFunc {
			return func() { t.announce(http.StatusOK); next() }
		},
	})
}
