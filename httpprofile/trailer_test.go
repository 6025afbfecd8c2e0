package httpprofile_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/httpprofile"
	"github.com/profscope/profscope/internal/scratch"
)

// TestTrailer: the totals come beside what a handler does with its header, in
// HTTP/1.1 and HTTP/2; an answer that has no trailers is as it was.
func TestTrailer(t *testing.T) {
	t.Parallel()
	const size = 10_000 // more than the server holds back
	mux := http.NewServeMux()
	mux.HandleFunc("/own", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-A")
		fmt.Fprint(w, "hello")
		w.Header().Set("X-A", "a")
	})
	mux.HandleFunc("/late", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server-Timing", "db;dur=1")
		_, _ = io.WriteString(w, "hello")
		w.Header().Set(http.TrailerPrefix+"X-A", "a")
	})
	mux.HandleFunc("/nothing", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/ownNothing", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-A")
		w.Header()["X-A"] = []string{"a"}
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(size))
		w.WriteHeader(http.StatusEarlyHints)
		fmt.Fprint(w, strings.Repeat("x", size))
	})
	mux.HandleFunc("/flushed", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, "hello")
	})
	mux.HandleFunc("/unmodified", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotModified)
	})
	for _, two := range []bool{false, true} {
		var named atomic.Int64
		server := httptest.NewUnstartedServer(httpprofile.Middleware(mux, httpprofile.Dir(scratch.Folder(t)), httpprofile.Always(), httpprofile.ServerTiming(),
			httpprofile.Route(func(*http.Request) string { named.Add(1); return "route" })))
		server.EnableHTTP2 = two
		server.StartTLS()
		defer server.Close()
		for i, tt := range []struct {
			method, path string
			own, timed   bool
			length       int // that the handler gives
		}{
			{"GET", "/own", true, true, 0},
			{"GET", "/late", true, true, 0},
			{"GET", "/nothing", false, true, 0},
			{"GET", "/ownNothing", true, true, 0},
			{"GET", "/long", false, true, size},
			{"GET", "/flushed", false, true, 5},
			{"POST", "/long", false, true, size},
			{"GET", "/unmodified", false, false, 0},
			{"HEAD", "/long", false, false, size},
			{"HEAD", "/nothing", false, false, 0},
		} {
			early := make(http.Header) // of an answer before the answer
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
				early = http.Header(h)
				return nil
			}})
			req, err := http.NewRequestWithContext(ctx, tt.method, server.URL+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, announced := resp.Trailer["Server-Timing"]
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Fatal(tt.path, err)
			}
			what := resp.Proto + " " + tt.method + " " + tt.path
			got := resp.Trailer["Server-Timing"]
			if announced != tt.timed || (len(got) == 1 && strings.HasPrefix(got[0], "total;dur=")) != tt.timed {
				t.Errorf("%s: trailers %q, announced %v", what, resp.Trailer, announced)
			}
			if (resp.Trailer.Get("X-A") == "a") != tt.own {
				t.Errorf("%s: the handler's trailers: %q", what, resp.Trailer)
			}
			if early.Get("Trailer") != "" {
				t.Errorf("%s: before the answer: %q", what, early)
			}
			length := "" // as net/http likes
			if tt.length > 0 && (two || !tt.timed) {
				length = fmt.Sprint(tt.length)
			}
			if h := resp.Header.Get("Content-Length"); length != "" && h != length || tt.timed && !two && h != "" {
				t.Errorf("%s: Content-Length %q", what, h)
			}
			if tt.timed && len(b) < tt.length {
				t.Errorf("%s: %d bytes", what, len(b))
			}
			if n := named.Load(); n != int64(i+1) {
				t.Errorf("%s: Route's function has been called %d times of %d requests", what, n, i+1)
			}
		}
	}
}

// ofKnownLength answers with the length told before.
var ofKnownLength = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "5")
	fmt.Fprint(w, "hello")
	w.(http.Flusher).Flush() // or the server would count the bytes itself
})

// TestTrailerOfOld: HTTP/1.0 has no trailers, and an answer keeps its length.
func TestTrailerOfOld(t *testing.T) {
	t.Parallel()
	server := around(t, scratch.Folder(t), ofKnownLength, httpprofile.Always(), httpprofile.ServerTiming())
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.0\r\n\r\n")
	b, err := io.ReadAll(conn)
	if s := string(b); err != nil || !strings.Contains(s, "Content-Length: 5\r\n") || strings.Contains(s, "Server-Timing") {
		t.Errorf("%q %v", b, err)
	}
}

// TestServerTiming: the totals come after the answer, in HTTP/1.1 and HTTP/2.
func TestServerTiming(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		slowPart()
		fmt.Fprint(w, "hello")
	})
	for _, two := range []bool{false, true} {
		dir := scratch.Folder(t)
		var calls atomic.Int64
		server := httptest.NewUnstartedServer(httpprofile.Middleware(handler, httpprofile.Dir(dir), httpprofile.Always(), httpprofile.ServerTiming(),
			httpprofile.Profile(cprofile.OnCall(func(cprofile.Stats) { calls.Add(1) }))))
		server.EnableHTTP2 = two
		server.StartTLS()
		defer server.Close()
		resp, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(b) != "hello" || (resp.ProtoMajor == 2) != two {
			t.Errorf("%s %q %v", resp.Proto, b, err)
		}
		value := resp.Trailer.Get("Server-Timing")
		dur := make(map[string]float64)
		for _, part := range strings.Split(value, ", ") {
			name, d, _ := strings.Cut(part, ";dur=")
			if dur[name], err = strconv.ParseFloat(d, 64); err != nil {
				t.Fatalf("%q: %v", value, err)
			}
		}
		sum := dur["running"] + dur["runnable"] + dur["blocked"] + dur["syscall"]
		if dur["total"] < 20 || dur["blocked"] < 10 || sum < dur["total"]-0.01 || sum > dur["total"]+0.01 {
			t.Errorf("%s: %q: 20 ms or more, blocked for most of it, and the states add up", resp.Proto, value)
		}
		scratch.Flush(t, dir)
		if n := calls.Load(); n != 1 {
			t.Errorf("%s: the user's OnCall was called %d times", resp.Proto, n)
		}
	}
}

// TestServerTimingWithoutFolder: what becomes of the folder once a route is known is
// nothing that its requests look at before they are served.
func TestServerTimingWithoutFolder(t *testing.T) {
	// Not parallel: another test's Flush would fail by it.
	dir := scratch.Folder(t)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
	server := around(t, dir, handler, httpprofile.Always(), httpprofile.ServerTiming())
	get(t, server.URL)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // in its place
		t.Fatal(err)
	}
	if resp, _ := get(t, server.URL); !strings.HasPrefix(resp.Trailer.Get("Server-Timing"), "total;dur=") {
		t.Errorf("trailers %q", resp.Trailer)
	}
	if err := os.Remove(dir); err != nil { // so that what waits can be written
		t.Fatal(err)
	}
	scratch.Flush(t, dir)
}

// TestServerTimingOfNothing: an answer is as it was when nothing is profiled,
// because there is no folder or profiling is off.
func TestServerTimingOfNothing(t *testing.T) {
	t.Parallel()
	off := httpprofile.Profile(cprofile.Enabled(false))
	for what, opts := range map[string][]httpprofile.Option{"no folder": {httpprofile.Dir("")}, "off": {off}} {
		server := around(t, scratch.Folder(t), ofKnownLength, append(opts, httpprofile.Always(), httpprofile.ServerTiming())...)
		resp, body := get(t, server.URL)
		if resp.ContentLength != 5 || body != "hello" || len(resp.Trailer) != 0 {
			t.Errorf("%s: length %d, %q, trailers %v", what, resp.ContentLength, body, resp.Trailer)
		}
	}
}
