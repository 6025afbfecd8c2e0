package httpprofile_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/profscope/profscope/httpprofile"
	"github.com/profscope/profscope/internal/scratch"
)

// Names of recordings are the process's, and tests run side by side: each
// makes its own of the test's name.
func nameOf(t *testing.T) string { return strings.ReplaceAll(t.Name(), "/", "-") }

// served is a server with a handler in a folder of its own.
type served struct {
	t   *testing.T
	url string
	dir string
	log *logged
}

// logged keeps the lines of a log.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newServed(t *testing.T, opts ...httpprofile.Option) *served {
	t.Helper()
	s := &served{t: t, dir: filepath.Join(scratch.Folder(t), "profiles"), log: &logged{}}
	opts = append([]httpprofile.Option{httpprofile.Dir(s.dir), httpprofile.Token(""), httpprofile.Logger(slog.New(slog.NewTextHandler(s.log, nil)))}, opts...)
	h := httptest.NewServer(httpprofile.Handler(opts...))
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

// ask makes a request and returns the status and the answer's object.
func (s *served) ask(method, path, body string, header ...string) (int, map[string]any) {
	s.t.Helper()
	status, b := s.raw(method, path, body, header...)
	var answer map[string]any
	if err := json.Unmarshal(b, &answer); err != nil {
		s.t.Errorf("%s %s: %d, and no JSON: %q", method, path, status, b)
	}
	return status, answer
}

func (s *served) raw(method, path, body string, header ...string) (int, []byte) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, b
}

// must is ask, with that status.
func (s *served) must(status int, method, path, body string, header ...string) map[string]any {
	s.t.Helper()
	got, answer := s.ask(method, path, body, header...)
	if got != status {
		s.t.Fatalf("%s %s %s: %d %v, want %d", method, path, body, got, answer, status)
	}
	return answer
}

// find returns the line of /profiles of that name.
func (s *served) find(name string) map[string]any {
	s.t.Helper()
	for _, x := range s.must(200, "GET", "/profiles", "")["profiles"].([]any) {
		if line := x.(map[string]any); line["name"] == name {
			return line
		}
	}
	return nil
}
