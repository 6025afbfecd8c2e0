package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// endless answers until nobody reads any more, or until it has sent more than
// any reader should have let it.
type endless struct {
	sent   atomic.Int64
	began  string
	notify func()
}

const muchTooMuch = 256 << 20

func (e *endless) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, e.began)
	if e.notify != nil {
		e.notify()
	}
	some := bytes.Repeat([]byte("x"), 1<<20)
	for e.sent.Load() < muchTooMuch {
		n, err := w.Write(some)
		e.sent.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// TestAttachEndlessAnswer: what a server says is bounded, however much it says.
func TestAttachEndlessAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, began, want string
	}{
		{"GET /profiles", "", "the server needs httpprofile"},
		{"POST /start_profile", "", "/start_profile: the answer has 1048576 bytes and more"},
		{"POST /stop_profile", `{"path":"`, "/stop_profile: the answer has 1048576 bytes and more"},
		{"GET /debug/pprof/trace", "not a trace ", "the server needs httpprofile"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			e := &endless{began: tt.began}
			mux := http.NewServeMux()
			mux.Handle(tt.path, e)
			method, path, _ := strings.Cut(tt.path, " ")
			if method == "POST" {
				mux.HandleFunc("GET /profiles", answers(`{"profiles":[]}`))
			}
			if path == "/stop_profile" {
				mux.HandleFunc("POST /start_profile", answers(`{}`))
			}
			if path == "/debug/pprof/trace" { // its error, too, is no trace
				mux.Handle("GET /profiles", http.NotFoundHandler())
				mux = refusing(mux)
			}
			if path == "/profiles" {
				mux = refusing(mux)
			}
			s := httptest.NewServer(mux)
			defer s.Close()
			code, stderr := attachTo(t, t.Context(), s.URL)
			if code != exitFailed || !strings.Contains(stderr, tt.want) || len(stderr) > 1000 {
				t.Errorf("%d %.1000s", code, stderr)
			}
			if n := e.sent.Load(); n >= muchTooMuch/2 {
				t.Errorf("%d bytes were taken", n)
			}
		})
	}
}

// refusing gives each answer the status of an error.
func refusing(h http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		h.ServeHTTP(quiet{w}, r)
	})
	return mux
}

type quiet struct{ http.ResponseWriter }

func (quiet) WriteHeader(int) {}

// answers is a handler that says so.
func answers(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s) }
}

// TestAttachEndlessProfile: a profile that never ends is fetched until the user
// interrupts, or until it has the room that it may have.
func TestAttachEndlessProfile(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e := &endless{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /profiles", answers(`{"profiles":[]}`))
	mux.HandleFunc("POST /start_profile", answers(`{}`))
	mux.HandleFunc("POST /stop_profile", answers(`{"path":"there/x.prof"}`))
	mux.Handle("GET /profiles/x.prof", e)
	s := httptest.NewServer(mux)
	defer s.Close()

	a := &app{stdout: io.Discard, stderr: io.Discard}
	at := attachment{base: s.URL, output: filepath.Join(t.TempDir(), "x.prof"), duration: time.Millisecond, room: 2 << 20, patience: time.Minute}
	if err := a.attachServer(ctx, at); err == nil || !strings.Contains(err.Error(), "the profile is on the server in there/x.prof: "+s.URL+"/profiles/x.prof: it has more than 2097152 bytes") {
		t.Errorf("%v", err)
	}
	if n := e.sent.Swap(0); n >= muchTooMuch/2 {
		t.Errorf("%d bytes were taken", n)
	}

	// Nothing is said of the samples that were given up with the trace.
	plain := http.NewServeMux()
	plain.Handle("GET /debug/pprof/trace", e)
	plain.HandleFunc("GET /debug/pprof/profile", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	p := httptest.NewServer(plain)
	defer p.Close()
	var stderr bytes.Buffer
	a.stderr, at.base = &stderr, p.URL
	e.began = "go 1.26 trace\x00\x00\x00"
	if err := a.attachServer(ctx, at); err == nil || !strings.Contains(err.Error(), "the rest was given up: it has more than 2097152 bytes") || stderr.Len() > 0 {
		t.Errorf("%v %s", err, &stderr)
	}
	e.sent.Store(0)
	e.began = ""

	e.notify = cancel
	code, said := attachTo(t, ctx, s.URL)
	if code != exitEnded || !strings.Contains(said, "the profile is on the server in there/x.prof") {
		t.Errorf("interrupted: %d %s", code, said)
	}
	if n := e.sent.Load(); n >= muchTooMuch/2 {
		t.Errorf("interrupted: %d bytes were taken", n)
	}
}

// TestAttachUnending: what a server sends of a trace after its time, one byte now
// and then, or of any size, is not waited for, and what had arrived is written.
func TestAttachUnending(t *testing.T) {
	t.Parallel()
	whole := gunzipped(t, "testdata/files/server.trace.gz")
	for _, tt := range []struct {
		name, want string
		goesOn     func(http.ResponseWriter) error
		room       int64
	}{
		{"it dribbles", "he server had not sent the rest of 1 s when another 2s were over", func(w http.ResponseWriter) error {
			time.Sleep(10 * time.Millisecond)
			_, err := w.Write([]byte{0})
			w.(http.Flusher).Flush()
			return err
		}, 1 << 30},
		{"it floods", "he rest was given up: it has more than 2097152 bytes", func(w http.ResponseWriter) error {
			_, err := w.Write(make([]byte, 1<<20))
			return err
		}, 2 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("/debug/pprof/trace", func(w http.ResponseWriter, _ *http.Request) {
				_, err := w.Write(whole)
				for err == nil {
					err = tt.goesOn(w)
				}
			})
			mux.HandleFunc("/debug/pprof/profile", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			s := httptest.NewServer(mux)
			defer s.Close()
			var stderr bytes.Buffer
			a := &app{stdout: io.Discard, stderr: &stderr}
			at := attachment{base: s.URL, output: filepath.Join(t.TempDir(), "x.txt"), ending: ".txt", duration: time.Millisecond, room: tt.room, patience: 2 * time.Second} // what is whole must come in meanwhile
			if err := a.attachServer(t.Context(), at); err != exitCode(exitFailed) || !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("%v: %s", err, &stderr)
			}
			b, err := os.ReadFile(at.output)
			if text := strings.Join(strings.Fields(string(b)), " "); err != nil || !strings.Contains(text, tt.want) {
				t.Errorf("%v, the file does not tell:\n%s", err, b)
			}
		})
	}
}

// TestAttachEscapes: what a server says has no word with the terminal.
func TestAttachEscapes(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, "\x1b[2Jcleared\u202e\u009b31m\r")
	}))
	defer s.Close()
	code, stderr := attachTo(t, t.Context(), s.URL)
	if code != exitFailed || !strings.Contains(stderr, "cleared") || strings.ContainsAny(stderr, "\x1b\u202e\u009b\r") {
		t.Errorf("%d %q", code, stderr)
	}
}

func attachTo(t *testing.T, ctx context.Context, url string) (code int, said string) {
	t.Helper()
	var stderr bytes.Buffer
	code = run(ctx, []string{"attach", "-o", filepath.Join(t.TempDir(), "x.prof"), "--duration", "0.01", url}, nil, io.Discard, &stderr)
	return code, stderr.String()
}
