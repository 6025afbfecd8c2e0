//go:build unix

package launch

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSnapshotTellsAll: what fails for one process is told beside what fails for
// another.
func TestSnapshotTellsAll(t *testing.T) {
	t.Parallel()
	s := newSession(&Options{})
	patterns := []string{"first-%y.prof", "second-%z.prof"} // no such verbs
	for i, pattern := range patterns {
		conn, program := net.Pipe()
		p := &process{conn: conn, pid: i + 1, gone: make(chan struct{}), done: make(chan string, 1)}
		p.rec = newRecording("program", p.pid, false)
		p.rec.output = pattern
		s.processes = append(s.processes, p)
		go func() { // does what it is told
			lines := bufio.NewScanner(program)
			for lines.Scan() {
				p.done <- lines.Text()
			}
		}()
		t.Cleanup(func() { conn.Close() })
	}
	files, err := s.snapshot()
	if len(files) != 0 || err == nil {
		t.Fatalf("%v, %v", files, err)
	}
	for _, verb := range []string{"%y", "%z"} {
		if !strings.Contains(err.Error(), verb) {
			t.Errorf("nothing of %s: %v", verb, err)
		}
	}
}

// TestSnapshotNames: the snapshots of a recording bear the name of its file, which
// no other recording takes meanwhile.
func TestSnapshotNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, there := range []string{"report1.prof", "report2.mem.prof"} {
		if err := os.WriteFile(filepath.Join(dir, there), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trace := traced(t, 10*time.Millisecond)
	s := newSession(&Options{Output: filepath.Join(dir, DefaultOutput), Modes: []string{"mem"}})
	begin := func() *recording {
		conn, program := net.Pipe()
		p := &process{conn: conn, pid: 1, gone: make(chan struct{}), done: make(chan string, 1)}
		p.rec = newRecording("program", p.pid, false)
		if err := p.rec.open(); err != nil {
			t.Fatal(err)
		}
		if _, err := p.rec.current().s.Write([]byte(trace)); err != nil {
			t.Fatal(err)
		}
		s.processes = []*process{p}
		go func() {
			lines := bufio.NewScanner(program)
			for lines.Scan() {
				p.done <- lines.Text()
			}
		}()
		t.Cleanup(func() { conn.Close() })
		return p.rec
	}
	var got []string
	keep := func(files []Written, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		for _, f := range files {
			got = append(got, filepath.Base(f.Path))
		}
	}
	first := begin()
	keep(s.snapshot())
	keep(s.snapshot())
	second := begin()
	keep(s.snapshot())
	for _, r := range []*recording{second, first} {
		r.profiles = []modeProfile{{"mem", []byte("profile")}}
		r.close(true, 0)
		keep(s.o.write(r, s.names, r.output, false))
		r.release()
	}
	want := []string{"report3.snapshot-1.prof", "report3.snapshot-2.prof", "report4.snapshot-3.prof", "report4.prof", "report4.mem.prof", "report3.prof", "report3.mem.prof"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
