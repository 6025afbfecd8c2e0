package httpprofile_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/profscope/profscope/httpprofile"
	"github.com/profscope/profscope/internal/scratch"
)

// endpoints are all that a handler answers.
var endpoints = []struct{ method, path string }{
	{"POST", "/start_profile"}, {"POST", "/stop_profile"}, {"GET", "/profiles"},
	{"GET", "/profiles/secret.prof"}, {"HEAD", "/profiles/secret.prof"}, {"DELETE", "/profiles/secret.prof"},
	{"GET", "/debug/pprof/"}, {"GET", "/debug/pprof/profile?seconds=1"}, {"GET", "/debug/pprof/trace?seconds=1"},
	{"GET", "/debug/pprof/heap"}, {"GET", "/debug/pprof/goroutine?debug=2"}, {"GET", "/debug/pprof/cmdline"},
	{"POST", "/debug/pprof/symbol"}, {"GET", "/debug/fgprof?seconds=1"}, {"GET", "/nowhere"},
}

// remote is a listener whose connections say that they come from elsewhere: a
// second loopback address would be loopback too.
type remote struct{ net.Listener }

type remoteConn struct{ net.Conn }

func (r remote) Accept() (net.Conn, error) {
	c, err := r.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return remoteConn{c}, nil
}

func (remoteConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711}
}

// guarded is a server with a profile in its folder, secret.prof.
func guarded(t *testing.T, wrap func(net.Listener) net.Listener, opts ...httpprofile.Option) *served {
	t.Helper()
	s := &served{t: t, dir: scratch.Folder(t), log: &logged{}}
	if err := os.WriteFile(filepath.Join(s.dir, "secret.prof"), []byte("the secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	opts = append([]httpprofile.Option{httpprofile.Dir(s.dir), httpprofile.Token("")}, opts...)
	h := httptest.NewUnstartedServer(httpprofile.Handler(opts...))
	if wrap != nil {
		h.Listener = wrap(h.Listener)
	}
	h.Start()
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

// refusesAll asks every endpoint, and wants that status and nothing of a profile.
func refusesAll(s *served, status int, header ...string) {
	s.t.Helper()
	for _, e := range endpoints {
		got, b := s.raw(e.method, e.path, "", header...)
		if got != status {
			s.t.Errorf("%s %s %v: %d, want %d", e.method, e.path, header, got, status)
		}
		if e.method != "HEAD" && !strings.HasPrefix(string(b), `{"error":`) || strings.Contains(string(b), "secret") {
			s.t.Errorf("%s %s %v: %.100q", e.method, e.path, header, b)
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "secret.prof")); err != nil {
		s.t.Error("the file was removed:", err)
	}
}

func TestRemotePeer(t *testing.T) {
	t.Parallel()
	wrap := func(l net.Listener) net.Listener { return remote{l} }
	refusesAll(guarded(t, wrap), http.StatusForbidden)

	s := guarded(t, wrap, httpprofile.Token("right"))
	refusesAll(s, http.StatusUnauthorized)
	if status, b := s.raw("GET", "/profiles/secret", "", "Authorization", "Bearer right"); status != 200 || string(b) != "the secret" {
		t.Errorf("with the token: %d %q", status, b)
	}
}

// TestToken: it is asked of everybody, also of this machine.
func TestToken(t *testing.T) {
	t.Parallel()
	s := guarded(t, nil, httpprofile.Token("right"))
	for _, wrong := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Bearer righ", "Bearer rightt", "Basic right", "right", "Bearer right right"} {
		refusesAll(s, http.StatusUnauthorized, "Authorization", wrong)
	}
	for _, right := range []string{"Bearer right", "bearer right"} {
		if status, _ := s.raw("GET", "/profiles", "", "Authorization", right); status != 200 {
			t.Errorf("%q: %d", right, status)
		}
	}
}

// TestEnvironment: PROFSCOPE_TOKEN and PROFSCOPE_DIR are read when the handler
// is made.
func TestEnvironment(t *testing.T) {
	dir := scratch.Folder(t)
	t.Setenv("PROFSCOPE_TOKEN", "from the environment")
	t.Setenv("PROFSCOPE_DIR", dir)
	h := httptest.NewServer(httpprofile.Handler())
	defer h.Close()
	s := &served{t: t, url: h.URL}
	s.must(401, "GET", "/profiles", "")
	s.must(200, "GET", "/profiles", "", "Authorization", "Bearer from the environment")
	start := s.must(200, "POST", "/start_profile", `{"name":"environment"}`, "Authorization", "Bearer from the environment")
	if start["path"] != filepath.Join(dir, "environment.prof") {
		t.Errorf("%v", start)
	}
	s.must(200, "POST", "/stop_profile", `{"name":"environment"}`, "Authorization", "Bearer from the environment")
}

func TestForeignPages(t *testing.T) {
	t.Parallel()
	s := guarded(t, nil, httpprofile.Hosts("prof.example"))
	for _, header := range [][]string{
		{"Origin", "http://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
		{"Host", "evil.example"}, {"Host", "127.0.0.1.evil.example:8000"}, {"Host", "localhost.evil.example"},
		{"X-Forwarded-For", "192.0.2.1"}, {"Forwarded", "for=192.0.2.1"}, {"X-Real-IP", "192.0.2.1"},
	} {
		refusesAll(s, http.StatusForbidden, header...)
	}
	for _, header := range [][]string{
		{}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}, {"Host", "localhost:8000"}, {"Host", "127.0.0.1"},
		{"Host", "[::1]:8000"}, {"Host", "prof.example:8000"}, {"Authorization", "Bearer None"},
	} {
		if status, b := s.raw("GET", "/profiles", "", header...); status != 200 {
			t.Errorf("%v: %d %s", header, status, b)
		}
		status, b := s.raw("OPTIONS", "/profiles", "", append([]string{"Access-Control-Request-Method", "GET"}, header...)...)
		if status != 405 {
			t.Errorf("OPTIONS: %d %s", status, b)
		}
	}
}

// TestUnixSocket: who may open the socket is the machine.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "p") // short: a socket's path has at most 100 bytes
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip(err)
	}
	server := &http.Server{Handler: httpprofile.Handler(httpprofile.Dir(scratch.Folder(t)), httpprofile.Token(""))}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("http://localhost/profiles")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
}

// TestVLLMClient sends what vLLM's benchmark client sends with --profile
// (vllm/benchmarks/lib/endpoint_request_func.py): the request that it tried the
// server with, to the other paths, and nothing of ours. It takes every answer
// but 200 for a failure.
func TestVLLMClient(t *testing.T) {
	// Not parallel: the recording is the one without a name.
	s := newServed(t)
	for _, body := range []string{
		`{"model": "m", "prompt": "Hello, my name is", "repetition_penalty": 1.0, "max_tokens": 128, "logprobs": null, "stream": true, "stream_options": {"include_usage": true}, "ignore_eos": true}`,
		`{"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}], "max_completion_tokens": 128, "stream": true, "stream_options": {"include_usage": true}}`,
		``, // its other clients send nothing
	} {
		header := []string{"Content-Type", "application/json", "Accept", "*/*", "Accept-Encoding", "gzip, deflate", "User-Agent", "Python/3.12 aiohttp/3.13.2", "Authorization", "Bearer sk-unused", "x-request-id", "bench-0"}
		start := s.must(200, "POST", "/start_profile", body, header...)
		stop := s.must(200, "POST", "/stop_profile", body, header...)
		if start["name"] != "profile" || fmt.Sprint(stop["path"]) != filepath.Join(s.dir, "profile.prof") {
			t.Errorf("start %v, stop %v", start, stop)
		}
		readProfile(t, fmt.Sprint(stop["path"]))
	}
}
