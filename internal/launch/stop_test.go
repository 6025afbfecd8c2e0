package launch

import (
	"bufio"
	"net"
	"sync"
	"testing"
	"time"
)

// TestStopBeforeStart: who stops does not wait for the recording that somebody
// else's start began right after.
func TestStopBeforeStart(t *testing.T) {
	t.Parallel()
	s := newSession(&Options{})
	conn, program := net.Pipe()
	t.Cleanup(func() { conn.Close() })
	p := &process{conn: conn, pid: 1, gone: make(chan struct{}), done: make(chan string, 1)}
	stopped := newRecording("program", p.pid, false)
	p.rec, p.all = stopped, []*recording{stopped}
	s.processes = append(s.processes, p)
	go func() {
		line, err := bufio.NewReader(program).ReadString('\n')
		if err != nil {
			return
		}
		stopped.close(true, 0)
		stopped.files = []Written{{Path: "stopped.prof"}}
		close(stopped.wrote)
		p.mu.Lock()
		p.rec = newRecording("program", p.pid, false)
		p.all = append(p.all, p.rec)
		p.mu.Unlock()
		p.done <- line[:len(line)-1]
	}()
	told := make(chan struct{})
	go func() {
		defer close(told)
		files, err := s.stop(false)
		if err != nil || len(files) != 1 || files[0].Path != "stopped.prof" {
			t.Errorf("%v, %v", files, err)
		}
	}()
	select {
	case <-told:
	case <-time.After(time.Minute):
		t.Fatal("it waits for the recording that runs")
	}
}

// TestStopsWhileEnding: recordings end while operators wait for the files of
// others. A launcher that panics loses all of them.
func TestStopsWhileEnding(t *testing.T) {
	t.Parallel()
	s := newSession(&Options{})
	p := &process{pid: 1, gone: make(chan struct{})}
	close(p.gone)
	s.join(p)
	ended := make(chan struct{})
	var operators sync.WaitGroup
	for range 8 {
		operators.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
					_, _ = s.stop(false)
				}
			}
		})
	}
	for range 2000 {
		r := newRecording("program", p.pid, false)
		s.mu.Lock()
		s.canceled[r] = true // nothing is written
		s.mu.Unlock()
		p.mu.Lock()
		p.all = append(p.all, r)
		p.mu.Unlock()
		p.finish(r, true, 0)
	}
	s.awaitFiles()
	for i, r := range p.recordings() {
		select {
		case <-r.wrote:
		default:
			t.Errorf("recording %d is not waited for", i)
		}
	}
	close(ended)
	operators.Wait()
}
