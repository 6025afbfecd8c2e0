package httpprofile_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/profscope/profscope/httpprofile"
	"github.com/profscope/profscope/internal/scratch"
)

//go:noinline
func waitsInServer(done chan struct{}) { <-done }

// waiting is found in the stacks while waitsInServer waits.
var waiting = regexp.MustCompile(`\[chan receive.*\]:\n.*\.waitsInServer\(`)

func TestRecord(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	name := nameOf(t)
	body := fmt.Sprintf(`{"name":%q}`, name)

	idle := s.must(200, "POST", "/stop_profile", body)
	if idle["state"] != "idle" {
		t.Errorf("stop without start: %v", idle)
	}
	done := make(chan struct{})
	go waitsInServer(done)
	settles(func() bool { return waiting.MatchString(stacks()) }) // it has still to begin
	began := time.Now()
	start := s.must(200, "POST", "/start_profile", body)
	since := time.Now()
	if start["state"] != "recording" || start["path"] != filepath.Join(s.dir, name+".prof") {
		t.Errorf("start: %v", start)
	}
	busy := s.must(409, "POST", "/start_profile", body)
	if busy["since"] != start["since"] || !strings.HasPrefix(fmt.Sprint(busy["peer"]), "127.0.0.1:") ||
		!strings.Contains(fmt.Sprint(busy["error"]), name) {
		t.Errorf("a second start: %v", busy)
	}
	s.must(409, "GET", "/profiles/"+name, "")
	scratch.Flush(t, s.dir) // a part of it is in the file
	s.must(409, "GET", "/profiles/"+name, "")
	s.must(409, "DELETE", "/profiles/"+name, "")
	if line := s.find(name + ".prof"); line != nil {
		t.Errorf("a part of it in the list: %v", line)
	}
	if line := s.find(name); line["state"] != "recording" {
		t.Errorf("the list while it records: %v", line)
	}
	time.Sleep(50 * time.Millisecond)
	atLeast := time.Since(since)
	stop := s.must(200, "POST", "/stop_profile", body)
	atMost := time.Since(began)
	close(done)
	path := fmt.Sprint(stop["path"])
	info, err := os.Stat(path)
	if err != nil || !filepath.IsAbs(path) {
		t.Fatalf("stop: %v: %v", stop, err)
	}
	if float64(info.Size()) != stop["bytes"] || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has %d bytes and mode %v, the answer says %v", info.Size(), info.Mode(), stop["bytes"])
	}
	if dir, err := os.Stat(s.dir); err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v %v", dir.Mode(), err)
	}
	elapsed := time.Duration(stop["elapsed_ns"].(float64))
	if elapsed < atLeast || elapsed > atMost {
		t.Errorf("elapsed %v, want from %v to %v", elapsed, atLeast, atMost)
	}
	p := readProfile(t, path)
	if got := wall(p, ".waitsInServer", "blocked"); got < atLeast || got > atMost {
		t.Errorf("a goroutine that waited is in it for %v, want from %v to %v", got, atLeast, atMost)
	}
	// The states of the answer are those of the file.
	sum := make(map[string]float64)
	for _, sample := range p.Sample {
		sum[sample.Label["state"][0]] += float64(sample.Value[2])
	}
	for state, ns := range stop["states"].(map[string]any) {
		if sum[state] != ns {
			t.Errorf("%s: %v in the answer, %v in the file", state, ns, sum[state])
		}
	}
	if again := s.must(200, "POST", "/stop_profile", body); fmt.Sprint(again) != fmt.Sprint(stop) {
		t.Errorf("a second stop: %v, the first: %v", again, stop)
	}
	if line := s.find(name); line["state"] != "done" || line["bytes"] != stop["bytes"] || line["file"] != name+".prof" {
		t.Errorf("the list afterwards: %v", line)
	}
	for _, n := range []string{name, name + ".prof"} {
		status, b := s.raw("GET", "/profiles/"+n, "")
		if want, _ := os.ReadFile(path); status != 200 || !bytes.Equal(b, want) {
			t.Errorf("GET %s: %d, %d bytes", n, status, len(b))
		}
	}
	s.must(200, "DELETE", "/profiles/"+name, "")
	s.must(404, "DELETE", "/profiles/"+name, "")
	s.must(404, "GET", "/profiles/"+name, "")
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is there after DELETE")
	}
	log := s.log.String()
	for _, want := range []string{"recording started", "recording stopped", "profile removed"} {
		if strings.Count(log, want) != 1 {
			t.Errorf("%q is not once in the log:\n%s", want, log)
		}
	}
}

// TestEndsByItself: a recording ends at its duration or when it is too large.
func TestEndsByItself(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	name := nameOf(t)
	for _, tt := range []struct{ limit, why string }{
		{`"duration":"60ms"`, "duration"},
		{`"max_bytes":1`, "max_bytes"},
	} {
		began := time.Now()
		s.must(200, "POST", "/start_profile", fmt.Sprintf(`{"name":%q,%s}`, name, tt.limit))
		for s.find(name)["state"] != "done" {
			time.Sleep(5 * time.Millisecond)
		}
		took := time.Since(began)
		stop := s.must(200, "POST", "/stop_profile", fmt.Sprintf(`{"name":%q}`, name))
		if stop["ended_by"] != tt.why {
			t.Errorf("%s: %v", tt.limit, stop)
		}
		if e := time.Duration(stop["elapsed_ns"].(float64)); e > took || tt.why == "duration" && e < 60*time.Millisecond {
			t.Errorf("%s: elapsed %v of %v", tt.limit, e, took)
		}
		readProfile(t, fmt.Sprint(stop["path"]))
		s.must(200, "DELETE", "/profiles/"+name, "")
	}
}

// TestFormats: every format is what its reader takes for one.
func TestFormats(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	name := nameOf(t)
	for _, tt := range []struct{ format, begin string }{
		{"prof", "\x1f\x8b"}, {"pb.gz", "\x1f\x8b"}, {"txt", name}, {"folded", ""}, {"trace", "go 1."},
		{"pftrace", "\n"}, {"json", "{"}, {"json.gz", "\x1f\x8b"}, {".txt", name},
	} {
		s.must(200, "POST", "/start_profile", fmt.Sprintf(`{"name":%q,"format":%q}`, name, tt.format))
		time.Sleep(5 * time.Millisecond)
		stop := s.must(200, "POST", "/stop_profile", fmt.Sprintf(`{"name":%q}`, name))
		b, err := os.ReadFile(fmt.Sprint(stop["path"]))
		if err != nil || !strings.HasPrefix(string(b), tt.begin) || len(b) == 0 || float64(len(b)) != stop["bytes"] {
			t.Errorf("%s: %d bytes %.20q, %v %v", tt.format, len(b), b, stop, err)
		}
	}
	s.must(200, "POST", "/start_profile", fmt.Sprintf(`{"name":%q}`, name+".trace"))
	s.must(409, "POST", "/start_profile", fmt.Sprintf(`{"name":%q,"format":"trace"}`, name)) // the same file
	stop := s.must(200, "POST", "/stop_profile", fmt.Sprintf(`{"name":%q}`, name+".trace"))
	if !strings.HasSuffix(fmt.Sprint(stop["path"]), name+".trace") {
		t.Errorf("a name with an ending: %v", stop)
	}
}

// TestRefused: what cannot be is told, with the right status, and nothing is
// left of it.
func TestRefused(t *testing.T) {
	t.Parallel()
	s := newServed(t, httpprofile.Limit(httpprofile.Limits{Duration: time.Minute, BodyBytes: 1000}))
	name := nameOf(t)
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/start_profile", `{`, 400, "no JSON"},
		{"POST", "/start_profile", `[1]`, 400, "no JSON object, but array"},
		{"POST", "/start_profile", `{"name":7}`, 400, `name is a JSON number, and must be as in {"name":"load"}`},
		{"POST", "/start_profile", `{"duration":3}`, 400, `duration is a JSON number, and must be as in {"duration":"10s"}`},
		{"POST", "/start_profile", `{"since":-30}`, 400, `as in {"since":"-30s"}`},
		{"POST", "/start_profile", `{"max_bytes":"1GB"}`, 400, `max_bytes is a JSON string, and must be as in {"max_bytes":1000000}`},
		{"POST", "/start_profile", `{"name":"../x"}`, 400, "name"},
		{"POST", "/start_profile", `{"name":"/etc/x"}`, 400, "name"},
		{"POST", "/start_profile", `{"name":".hidden"}`, 400, "name"},
		{"POST", "/start_profile", `{"name":"a\u0000b"}`, 400, "name"},
		{"POST", "/start_profile", `{"name":"` + strings.Repeat("n", 200) + `"}`, 400, "name"},
		{"POST", "/start_profile", `{"format":"html"}`, 400, "html"},
		{"POST", "/start_profile", `{"format":"exe"}`, 400, "exe"},
		{"POST", "/start_profile", `{"format":"../x"}`, 400, "format"},
		{"POST", "/start_profile", `{"duration":"soon"}`, 400, `duration is "soon", and must be a number with a unit, as in {"duration":"10s"}`},
		{"POST", "/start_profile", `{"duration":"-1s"}`, 400, "more than 0"},
		{"POST", "/start_profile", `{"duration":"2h"}`, 400, "at most 1m"},
		{"POST", "/start_profile", `{"max_bytes":-1}`, 400, "max_bytes"},
		{"POST", "/start_profile", `{"x":"` + strings.Repeat("x", 2000) + `"}`, 413, "1000 bytes"},
		{"POST", "/stop_profile", `{"name":"../x"}`, 400, "name"},
		{"GET", "/start_profile", ``, 405, "POST"},
		{"POST", "/profiles", ``, 405, "GET"},
		{"GET", "/profiles/none", ``, 404, "none"},
		{"GET", "/profiles/%2e%2e%2fx", ``, 400, "name"},
		{"GET", "/profiles/..%2f..%2fetc%2fpasswd", ``, 400, "name"},
		{"GET", "/profiles/%2fetc%2fpasswd", ``, 400, "name"},
		{"DELETE", "/profiles/%2e%2e%5cx", ``, 400, "name"},
		{"GET", "/elsewhere", ``, 404, "/start_profile"},
	} {
		body := strings.Replace(tt.body, `{"f`, `{"name":"`+name+`","f`, 1)
		status, answer := s.ask(tt.method, tt.path, body)
		if status != tt.status || !strings.Contains(fmt.Sprint(answer["error"]), tt.want) {
			t.Errorf("%s %s %.60s: %d %v, want %d and %q", tt.method, tt.path, tt.body, status, answer, tt.status, tt.want)
		}
	}
	if files, _ := os.ReadDir(s.dir); len(files) != 0 {
		t.Errorf("%v is left in the folder", files)
	}
	none := newServed(t, httpprofile.Dir(""))
	if a := none.must(503, "POST", "/start_profile", ""); !strings.Contains(fmt.Sprint(a["error"]), "PROFSCOPE_DIR") {
		t.Errorf("without a folder: %v", a)
	}
	none.must(503, "GET", "/profiles", "")
}

// TestLinks: nothing in the folder leads out of it.
func TestLinks(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(s.dir, "link.prof")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	s.must(400, "POST", "/start_profile", `{"name":"link"}`)
	s.must(404, "GET", "/profiles/link.prof", "")
	s.must(404, "DELETE", "/profiles/link", "")
	if n := len(s.must(200, "GET", "/profiles", "")["profiles"].([]any)); s.find("link.prof") != nil {
		t.Errorf("the link is among the %d listed", n)
	}
	if b, _ := os.ReadFile(outside); string(b) != "secret" {
		t.Errorf("the file outside is now %q", b)
	}
}

// TestLimits: recordings at once, and bytes in the folder.
func TestLimits(t *testing.T) {
	t.Parallel()
	const most = 64 << 20 // far more than the trace of this recording, which it may have too
	s := newServed(t, httpprofile.Limit(httpprofile.Limits{FolderBytes: most}))
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(s.dir, "old.prof")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(old, most); err != nil {
		t.Fatal(err)
	}
	name := nameOf(t)
	full := s.must(507, "POST", "/start_profile", fmt.Sprintf(`{"name":%q}`, name))
	if !strings.Contains(fmt.Sprint(full["error"]), "DELETE") {
		t.Errorf("a full folder: %v", full)
	}
	s.must(200, "DELETE", "/profiles/old", "")
	s.must(200, "POST", "/start_profile", fmt.Sprintf(`{"name":%q}`, name))
	one := newServed(t, httpprofile.Limit(httpprofile.Limits{Recordings: 1}))
	one.must(429, "POST", "/start_profile", fmt.Sprintf(`{"name":%q}`, name+"-b"))
	s.must(200, "POST", "/stop_profile", fmt.Sprintf(`{"name":%q}`, name))
}

// TestFailure: a recording that cannot be written tells so, each time, until it
// can be.
func TestFailure(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	name := nameOf(t)
	start := s.must(200, "POST", "/start_profile", fmt.Sprintf(`{"name":%q}`, name))
	path := fmt.Sprint(start["path"])
	for os.Mkdir(path, 0o700) != nil { // in its place
		if err := os.Remove(path); err != nil { // another test's Flush has written it
			t.Fatal(err)
		}
	}
	for range 2 {
		if a := s.must(500, "POST", "/stop_profile", fmt.Sprintf(`{"name":%q}`, name)); !strings.Contains(fmt.Sprint(a["error"]), path) {
			t.Errorf("%v", a)
		}
	}
	if line := s.find(name); line["state"] != "failed" || line["error"] == "" {
		t.Errorf("the list: %v", line)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	stop := s.must(200, "POST", "/stop_profile", fmt.Sprintf(`{"name":%q}`, name))
	readProfile(t, fmt.Sprint(stop["path"]))
	if n := strings.Count(s.log.String(), "recording failed"); n != 1 {
		t.Errorf("%d lines of failure in\n%s", n, s.log)
	}
}

// TestListOnlyReads: the list of recordings does not try one again that failed.
// Whoever else writes would, so it has a process of its own.
func TestListOnlyReads(t *testing.T) {
	t.Parallel()
	if !inChild(t) {
		return
	}
	s := newServed(t)
	path := fmt.Sprint(s.must(200, "POST", "/start_profile", "")["path"])
	if err := os.Mkdir(path, 0o700); err != nil { // in its place
		t.Fatal(err)
	}
	s.must(500, "POST", "/stop_profile", "")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if line := s.find("profile"); line["state"] != "failed" {
		t.Errorf("the list: %v", line)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the list has written the file")
	}
	s.must(200, "POST", "/stop_profile", "")
	readProfile(t, path)
}

// TestRemovedByFile: a profile that is removed by its file's name is as gone as
// by its recording's.
func TestRemovedByFile(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	body := fmt.Sprintf(`{"name":%q}`, nameOf(t))
	s.must(200, "POST", "/start_profile", body)
	s.must(200, "POST", "/stop_profile", body)
	s.must(200, "DELETE", "/profiles/"+nameOf(t)+".prof", "")
	if a := s.must(200, "POST", "/stop_profile", body); a["state"] != "idle" {
		t.Errorf("stop says %v", a)
	}
}

// TestFolderGone: the folder is deleted under a recording, and made again for its
// owner alone.
func TestFolderGone(t *testing.T) {
	// Not parallel: another test's Flush would write what is recorded so far.
	s := newServed(t)
	body := fmt.Sprintf(`{"name":%q}`, nameOf(t))
	s.must(200, "POST", "/start_profile", body)
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}
	stop := s.must(200, "POST", "/stop_profile", body)
	readProfile(t, fmt.Sprint(stop["path"]))
	if dir, err := os.Stat(s.dir); err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v %v", dir.Mode(), err)
	}
}

// TestStopTwiceAtOnce: all who stop it get the same.
func TestStopTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	body := fmt.Sprintf(`{"name":%q}`, nameOf(t))
	s.must(200, "POST", "/start_profile", body)
	answers := make([]string, 8)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			status, b := s.raw("POST", "/stop_profile", body)
			answers[i] = fmt.Sprint(status, string(b))
		})
	}
	all.Wait()
	for _, a := range answers {
		if a != answers[0] || !strings.HasPrefix(a, "200") {
			t.Errorf("%s\nthe first: %s", a, answers[0])
		}
	}
}
