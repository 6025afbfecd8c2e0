package httpprofile_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/profscope/profscope/httpprofile"
)

// TestRefusedLog: what a client may not have is one line in the log, and no error;
// what the server fails in is one.
func TestRefusedLog(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	name := nameOf(t)
	body := fmt.Sprintf(`{"name":%q}`, name)
	s.must(200, "POST", "/start_profile", body)
	s.must(409, "POST", "/start_profile", body)
	s.must(400, "POST", "/start_profile", fmt.Sprintf(`{"name":%q,"format":"exe"}`, name+"-b"))
	one := newServed(t, httpprofile.Limit(httpprofile.Limits{Recordings: 1}))
	one.must(429, "POST", "/start_profile", fmt.Sprintf(`{"name":%q}`, name+"-c"))
	s.must(400, "POST", "/start_profile", `{"duration":"soon"}`) // by the answer alone
	s.must(200, "POST", "/stop_profile", body)
	log := s.log.String() + one.log.String()
	if n := strings.Count(log, "level=INFO msg=\"profscope: recording refused\""); n != 3 || strings.Contains(log, "ERROR") {
		t.Errorf("%d lines about three that were refused:\n%s", n, log)
	}

	in := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(in, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := newServed(t, httpprofile.Dir(filepath.Join(in, "profiles")))
	broken.must(500, "POST", "/start_profile", "")
	if log := broken.log.String(); strings.Count(log, "level=ERROR") != 1 || strings.Count(log, "\n") != 1 {
		t.Errorf("of a folder that cannot be made:\n%s", log)
	}
}

// TestGoneLog: a client that goes away in the middle of a trace is no error of the
// server's.
func TestGoneLog(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "GET /debug/pprof/trace?seconds=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
	_, err = c.Read(make([]byte, 1)) // it has begun
	c.Close()
	if err != nil {
		t.Fatal(err)
	}
	await(t, "line in the log", func() bool { return strings.Contains(s.log.String(), "not sent whole") })
	if log := s.log.String(); strings.Contains(log, "ERROR") {
		t.Error(log)
	}
}

// TestWhoseFolder: who has no folder tells whose option is missing, for the other's
// does not reach it.
func TestWhoseFolder(t *testing.T) {
	t.Parallel()
	s := newServed(t, httpprofile.Dir(""))
	if a := s.must(503, "POST", "/start_profile", ""); !strings.Contains(fmt.Sprint(a["error"]), "PROFSCOPE_DIR in the server's environment, or the option Dir of Handler") {
		t.Errorf("%v", a)
	}
	server := around(t, "", http.NotFoundHandler(), httpprofile.Always(), httpprofile.Logger(slog.New(slog.NewTextHandler(s.log, nil))))
	get(t, server.URL)
	if log := s.log.String(); strings.Count(log, "or the option Dir of Middleware") != 1 {
		t.Error(log)
	}
}
