package launch

import (
	"bufio"
	"net"
	"strings"
	"testing"
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
