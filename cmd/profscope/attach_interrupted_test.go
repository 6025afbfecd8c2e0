package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"os"
	"path/filepath"
	"runtime/trace"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestAttachInterrupted: an interrupt ends the recording of a net/http/pprof
// server and loses nothing of it, however short it was. That it did end there
// is told by this test's own length, which is bounded by the go command's.
func TestAttachInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	plain := http.NewServeMux()
	plain.HandleFunc("/debug/pprof/profile", pprof.Profile)
	plain.HandleFunc("/debug/pprof/trace", func(w http.ResponseWriter, r *http.Request) {
		go func() {
			for !trace.IsEnabled() {
				if r.Context().Err() != nil {
					return // it was refused
				}
				time.Sleep(time.Millisecond)
			}
			waitInServer()
			interrupt()
		}()
		pprof.Trace(w, r)
	})
	s := httptest.NewServer(plain)
	defer s.Close()
	out := filepath.Join(t.TempDir(), "x.folded")
	var stderr strings.Builder
	if code := run(ctx, []string{"attach", "-o", out, "--duration", "3600", s.URL}, nil, io.Discard, &stderr); code != exitOK {
		t.Fatalf("%d %s", code, &stderr)
	}
	if b, err := os.ReadFile(out); err != nil || !strings.Contains(string(b), "waitInServer") {
		t.Errorf("%v, no waitInServer in\n%s", err, b)
	}
	if strings.Contains(stderr.String(), "interrupt") || strings.Contains(stderr.String(), "cut") {
		t.Error(&stderr)
	}
}

// TestOneRequest: a server that has HTTP/2 is asked by HTTP/1.1, and the half of
// a connection is closed under TLS too.
func TestOneRequest(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		_, _ = io.WriteString(w, r.Proto)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	client := oneRequest()
	c := client.Transport.(*http.Transport)
	if c.TLSClientConfig == nil {
		c.TLSClientConfig = new(tls.Config)
	}
	c.TLSClientConfig.RootCAs = x509.NewCertPool()
	c.TLSClientConfig.RootCAs.AddCert(s.Certificate())
	enough, interrupt := context.WithCancel(t.Context())
	interrupt()
	var answer strings.Builder
	at := attachment{base: s.URL, client: client}
	if status, _, err := at.fetch(halfClosed(t.Context(), enough), "/", &answer); err != nil || status != http.StatusOK || answer.String() != "HTTP/1.1" {
		t.Errorf("status %d, %v: %s", status, err, &answer)
	}
}

// TestAttachGivenUp: what stands between may keep the rest from coming. That is
// no damage, and what is lost is said.
func TestAttachGivenUp(t *testing.T) {
	t.Parallel()
	whole := gunzipped(t, "testdata/files/server.trace.gz")
	const ended = "the interrupt ended the connection before the server had sent the rest"
	for _, tt := range []struct {
		name, output string
		sent         []byte
		code         int
		want         string
	}{
		{"a generation and a part", "x.txt", append(whole[:len(whole):len(whole)], whole[16:600]...), exitOK, ended},
		{"a generation", "x.txt", whole, exitOK, ended},
		{"a timeline", "x.json", whole, exitOK, ended},
		{"a trace", "x.trace", whole, exitOK, ended},
		{"a part", "x.txt", whole[:600], exitFailed, "nothing of the trace was whole by then"},
		{"a part for a timeline", "x.json", whole[:600], exitFailed, "nothing of the trace was whole by then"},
		{"nothing", "x.txt", nil, exitFailed, "the server had sent nothing by then"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			over := make(chan struct{})
			deaf := http.NewServeMux() // to a half that is closed
			deaf.HandleFunc("/debug/pprof/profile", func(http.ResponseWriter, *http.Request) { <-over })
			deaf.HandleFunc("/debug/pprof/trace", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(tt.sent)
				w.(http.Flusher).Flush()
				time.AfterFunc(100*time.Millisecond, interrupt)
				<-over
			})
			s := httptest.NewServer(deaf)
			defer s.Close()
			defer close(over)
			var stderr strings.Builder
			a := &app{stdout: io.Discard, stderr: &stderr}
			at := attachment{base: s.URL, output: filepath.Join(t.TempDir(), tt.output), ending: filepath.Ext(tt.output), duration: time.Hour, room: 1 << 20, patience: 2 * time.Second} // what was sent must come in meanwhile
			err := a.attachServer(ctx, at)
			if err != nil {
				complain(&stderr, err)
			}
			if said := stderr.String(); (err != nil) != (tt.code != exitOK) || !strings.Contains(said, tt.want) || strings.Contains(said, "damaged") || strings.Contains(said, "truncated") {
				t.Errorf("%v\n%s", err, said)
			}
			if _, err := os.Stat(at.output); (err == nil) != (tt.code == exitOK) {
				t.Error(err)
			}
		})
	}
}

// TestAttachInterruptedStart: an interrupt while the server begins leaves it no
// recording that goes on, whether the server answers or not.
func TestAttachInterruptedStart(t *testing.T) {
	t.Parallel()
	profile := aProfile(t)
	for _, tt := range []struct {
		name    string
		answers bool // after the interrupt
		stops   bool // when it is told to
		folder  bool
		want    string // "" is that the recording is brought, as after any interrupt
	}{
		{"it answers", true, true, false, ""},
		{"it answers, with a folder", true, true, true, ""},
		{"it does not", false, true, false, "it was told to stop"},
		{"it does not, with a folder", false, true, true, "was not told to stop: POST "},
		{"it does not even stop", false, false, false, "it may be recording"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			over := make(chan struct{})
			dir := t.TempDir()
			var stopped atomic.Int64
			mux := http.NewServeMux()
			mux.HandleFunc("GET /profiles", answers(`{"profiles":[]}`))
			mux.HandleFunc("POST /start_profile", func(w http.ResponseWriter, r *http.Request) {
				interrupt()
				if !tt.answers {
					<-over
				}
				answers(`{}`)(w, r)
			})
			mux.HandleFunc("POST /stop_profile", func(w http.ResponseWriter, r *http.Request) {
				stopped.Add(1)
				if !tt.stops {
					<-over
				}
				if err := os.WriteFile(filepath.Join(dir, "rank0.json"), []byte("{}"), 0o600); err != nil {
					t.Error(err)
				}
				answers(`{"path":"x.prof"}`)(w, r)
			})
			mux.HandleFunc("GET /profiles/x.prof", answers(string(profile)))
			s := httptest.NewServer(mux)
			defer s.Close()
			defer close(over)
			a := &app{stdout: io.Discard, stderr: io.Discard}
			at := attachment{base: s.URL, output: filepath.Join(t.TempDir(), "x.prof"), ending: ".prof", duration: time.Hour, room: 1 << 20, patience: 3 * time.Second} // the stop must reach the server meanwhile
			if tt.answers {
				at.patience = time.Minute
			}
			if tt.folder {
				at.dir = dir
			}
			err := a.attachServer(ctx, at)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Error(err)
			}
			want := int64(1)
			if tt.folder && !tt.answers {
				want = 0 // it would end whoever's recording
			}
			if n := stopped.Load(); n != want {
				t.Errorf("it was told to stop %d times", n)
			}
			if _, err := os.Stat(at.output); tt.want == "" && !tt.folder && err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAttachServerDies: what a server had sent when it died is written, with what
// is missing, and is no success.
func TestAttachServerDies(t *testing.T) {
	t.Parallel()
	whole := gunzipped(t, "testdata/files/server.trace.gz")
	const went = "he server went away before it had sent the rest of 1h0m0s (unexpected EOF)"
	for _, tt := range []struct {
		name, output string
		sent         []byte
		written      bool
		want         string
	}{
		{"a generation and a part", "x.txt", append(whole[:len(whole):len(whole)], whole[16:600]...), true, went + ": what is shown ends "},
		{"a profile", "x.prof", whole, true, went + ": what is shown ends "},
		{"a timeline", "x.json", whole, true, went},
		{"a trace", "x.trace", whole, true, went},
		{"a part", "x.txt", whole[:600], false, went + ", and nothing of the trace was whole by then"},
		{"nothing", "x.txt", nil, false, "unexpected EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dies := http.NewServeMux()
			dies.HandleFunc("/debug/pprof/trace", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(tt.sent)
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			})
			s := httptest.NewServer(dies)
			defer s.Close()
			out := filepath.Join(t.TempDir(), tt.output)
			var stderr strings.Builder
			code := run(t.Context(), []string{"attach", "-o", out, "--duration", "3600", s.URL}, nil, io.Discard, &stderr)
			if said := stderr.String(); code != exitFailed || !strings.Contains(said, tt.want) || strings.Contains(said, "damaged") {
				t.Errorf("%d %s", code, said)
			}
			b, err := os.ReadFile(out)
			if (err == nil) != tt.written {
				t.Error(err)
			}
			if text := strings.Join(strings.Fields(string(b)), " "); tt.output == "x.txt" && tt.written && !strings.Contains(text, went) {
				t.Errorf("the file does not tell:\n%s", b)
			}
		})
	}
}

// TestAttachProfilesServerDies: a server with httpprofile takes its recording with
// it, which is seen before the recording should have ended.
func TestAttachProfilesServerDies(t *testing.T) {
	t.Parallel()
	var s *httptest.Server
	for _, tt := range []struct {
		name string
		dies func(w http.ResponseWriter) // at the second question
		want string
	}{
		{"it ends", func(http.ResponseWriter) { go s.Close() }, "the server went away ("},
		{"it is another", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, "has no recording of ours any more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /profiles", answers(`{"profiles":[]}`))
			mux.HandleFunc("POST /start_profile", answers(`{"path":"/srv/profiles/x.prof"}`))
			asked := 0
			mux.HandleFunc("GET /profiles/", func(w http.ResponseWriter, _ *http.Request) {
				if asked++; asked == 1 {
					w.WriteHeader(http.StatusConflict)
					return
				}
				tt.dies(w)
			})
			s = httptest.NewServer(mux)
			defer s.Close()
			var stderr strings.Builder
			code := run(t.Context(), []string{"attach", "-o", filepath.Join(t.TempDir(), "x.prof"), "--duration", "3600", s.URL}, nil, io.Discard, &stderr)
			if said := stderr.String(); code != exitFailed || !strings.Contains(said, tt.want) || !strings.Contains(said, "on the server in /srv/profiles") {
				t.Errorf("%d %s", code, said)
			}
		})
	}
}
