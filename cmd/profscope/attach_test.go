package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/profscope/profscope/httpprofile"
)

// waitInServer is what the profiles below must show.
//
//go:noinline
func waitInServer() { time.Sleep(10 * time.Millisecond) }

// TestAttach records this process, as a server of each kind. The tracer is
// one for the process: so one after the other.
func TestAttach(t *testing.T) {
	plain := http.NewServeMux()
	plain.HandleFunc("/debug/pprof/profile", pprof.Profile)
	plain.HandleFunc("/debug/pprof/trace", pprof.Trace)
	pages := http.NewServeMux()
	pages.Handle("/debug/pprof/", plain)
	pages.HandleFunc("/", answers("<html>Welcome</html>"))
	folder := t.TempDir()
	t.Setenv("PROFSCOPE_DIR", t.TempDir())
	vllm := http.NewServeMux()
	vllm.HandleFunc("POST /start_profile", func(http.ResponseWriter, *http.Request) {})
	vllm.HandleFunc("POST /stop_profile", func(w http.ResponseWriter, _ *http.Request) {
		if err := os.WriteFile(filepath.Join(folder, "rank0.json"), []byte("{}"), 0o600); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				waitInServer()
			}
		}
	}()
	defer func() { close(stop); <-done }()
	for _, tt := range []struct {
		name    string
		handler http.Handler
		flags   []string
		stdout  string // besides, the profile names waitInServer
	}{
		{"net/http/pprof", plain, nil, ""},
		{"httpprofile", httpprofile.Handler(), nil, ""},
		{"a folder", vllm, []string{"--dir", folder}, filepath.Join(folder, "rank0.json") + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(tt.handler)
			defer s.Close()
			out := filepath.Join(t.TempDir(), "x.prof")
			var stdout, stderr bytes.Buffer
			args := append([]string{"attach", "-o", out, "--duration", "1"}, tt.flags...)
			if code := run(t.Context(), append(args, s.URL), nil, &stdout, &stderr); code != 0 {
				t.Fatal(code, &stderr)
			}
			if stdout.String() != tt.stdout {
				t.Errorf("stdout %q, want %q", &stdout, tt.stdout)
			}
			if tt.stdout != "" {
				return
			}
			stdout.Reset()
			if code := run(t.Context(), []string{"top", "--limit", "0", out}, nil, &stdout, &stderr); code != 0 {
				t.Fatal(code, &stderr)
			}
			if !strings.Contains(stdout.String(), "waitInServer") {
				t.Errorf("the profile does not name what the server did:\n%s", &stdout)
			}
		})
	}
	// Each ending with each kind of server: what it is says its content.
	for _, tt := range []struct {
		name, output, want string
		handler            http.Handler
	}{
		{"a page of net/http/pprof", "x.html", "<title>127.0.0.1:", plain},
		{"a page of httpprofile", "x.html", "<title>127.0.0.1:", httpprofile.Handler()},
		{"a timeline of net/http/pprof", "x.json", `"traceEvents"`, plain},
		{"a trace of net/http/pprof", "x.trace", "go 1.", plain},
		{"a table of net/http/pprof", "x.txt", "127.0.0.1:", plain},
		{"net/http/pprof of a server with a page for every path", "x.txt", "Left out are ", pages},
		{"what served the recording", "x.txt", "Left out are ", plain},
		{"folded stacks of httpprofile", "x.folded", "waitInServer", httpprofile.Handler()},
		{"a table of httpprofile", "x.txt", " elapsed", httpprofile.Handler()},
		{"a trace of httpprofile", "x.trace", "go 1.", httpprofile.Handler()},
		{"a timeline of httpprofile", "x.json", `"traceEvents"`, httpprofile.Handler()},
		{"a timeline of httpprofile for Perfetto", "x.pftrace", "waitInServer", httpprofile.Handler()},
		{"an unknown ending of httpprofile", "x.svg", "\x1f\x8b", httpprofile.Handler()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(tt.handler)
			defer s.Close()
			out := filepath.Join(t.TempDir(), tt.output)
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), []string{"attach", "-o", out, "--duration", "1", s.URL}, nil, &stdout, &stderr); code != 0 {
				t.Fatal(code, &stderr)
			}
			b, err := os.ReadFile(out)
			if bytes.Contains(b, []byte("net/http/pprof.sleep")) && tt.output == "x.txt" {
				t.Errorf("attach's own requests are in it:\n%s", b)
			}
			if err != nil || !bytes.Contains(b, []byte(tt.want)) {
				t.Errorf("%v, %q in %.200q", err, tt.want, b)
			}
			if said := strings.Contains(stderr.String(), "there is no format .svg"); said != (tt.output == "x.svg") {
				t.Error(&stderr)
			}
		})
	}
	// What a server refuses is told whole, and as a sentence.
	long := strings.Repeat("long ", 100) + "sentence"
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			answers(`{"profiles":[]}`)(w, r)
			return
		}
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "profscope: " + long})
	}))
	defer refuses.Close()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"attach", "--duration", "1", refuses.URL}, nil, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "/start_profile: status 409: "+long+"\n") {
		t.Errorf("%d %s", code, &stderr)
	}
	stderr.Reset()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	if code := run(t.Context(), []string{"attach", "--duration", "1", s.URL}, nil, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "net/http/pprof") {
		t.Errorf("%d %s", code, &stderr)
	}
}

// TestListsProfiles: what httpprofile says is told from what any server may.
func TestListsProfiles(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{
		`{"profiles":[]}`:                          true,
		`{"of":{"another":[1]},"profiles":[{"name`: true, // one that is cut
		``:                       false,
		`<html>`:                 false,
		`[]`:                     false,
		`{}`:                     false,
		`{"profiles":3}`:         false,
		`{"profiles"`:            false,
		`{"of":{"profiles":[]}}`: false,
		`{"of":`:                 false,
	} {
		if got := listsProfiles([]byte(answer)); got != want {
			t.Errorf("%s: %t", answer, got)
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			answers(`{"profiles":[]}`)(w, r)
			return
		}
		answers("<html>")(w, r)
	}))
	defer s.Close()
	if code, said := attachTo(t, t.Context(), s.URL); code != exitFailed || !strings.Contains(said, "/start_profile: the answer: ") {
		t.Errorf("%d %s", code, said)
	}
}

// aProfile is what a server may send.
func aProfile(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/files/scope.prof")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAttachOtherContent: what a server sends is written if it is what was asked
// for.
func TestAttachOtherContent(t *testing.T) {
	t.Parallel()
	profile := aProfile(t)
	for _, tt := range []struct {
		name, output, sent, want string
	}{
		{"JSON for a profile", "x.prof", `{"profiles":[],"path":"/etc/passwd"}`, "it is JSON, and no pprof profile"},
		{"JSON for a timeline", "x.json", `{"profiles":[],"path":"/etc/passwd"}`, "it is JSON, and no Chrome trace"},
		{"a page", "x.prof", "<html>Welcome</html>", "it is no pprof profile"},
		{"a page for a trace", "x.trace", "<html>Welcome</html>", "it is no Go execution trace"},
		{"a profile for a table", "x.txt", string(profile), "it is a pprof profile, and no table"},
		{"nothing", "x.folded", "", "the file is empty"},
		{"a profile", "x.prof", string(profile), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("GET /profiles", answers(`{"profiles":[]}`))
			mux.HandleFunc("POST /start_profile", answers(`{}`))
			mux.HandleFunc("POST /stop_profile", answers(`{"path":"/etc/passwd"}`))
			mux.HandleFunc("GET /profiles/passwd", answers(tt.sent))
			s := httptest.NewServer(mux)
			defer s.Close()
			out := filepath.Join(t.TempDir(), tt.output)
			var stderr bytes.Buffer
			code := run(t.Context(), []string{"attach", "-o", out, "--duration", "0.01", s.URL}, nil, io.Discard, &stderr)
			if (code == exitOK) != (tt.want == "") || !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("%d %s", code, &stderr)
			}
			if _, err := os.Stat(out); (err == nil) != (tt.want == "") {
				t.Error(err)
			}
		})
	}
}

// TestServerRoot: which words are servers, and where those are.
func TestServerRoot(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"http://host":              "http://host",
		"https://host:1/":          "https://host:1",
		"http://host/below/":       "http://host/below",
		"http://host/debug/pprof/": "http://host",
		"http://host/debug/pprof":  "http://host",
		"http://host/below/debug/pprof/profile?debug=1#x": "http://host/below",
		"http://host/debug/pproflike":                     "http://host/debug/pproflike",
		"HTTP://host":                                     "http://host",
		"http://":                                         "",
		"http:///":                                        "",
		"http://:80":                                      "",
		"http://host?a=b":                                 "",
		"-5":                                              "",
		"0":                                               "",
		"host:80":                                         "",
	} {
		if got, err := serverRoot(s); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"http://", "http:///", "-5", "0"} {
		checkUsage(t, nil, []string{"attach", "--", s}, strconv.Quote(s))
	}
}
