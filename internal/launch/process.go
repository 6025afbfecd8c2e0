package launch

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/profscope/profscope/internal/launch/stub"
)

// process is a program that streams to us.
type process struct {
	conn    net.Conn
	pid     int
	program string

	mu   sync.Mutex
	rec  *recording   // running, or the last
	all  []*recording // in order
	live bool         // recordings are analysed while they come in
	gone chan struct{}

	telling sync.Mutex  // one command at a time
	number  int         // of the last command
	done    chan string // commands carried out

	began func(*process, *recording)
	over  func(*process, *recording)
}

// maxMessage bounds what a recorder sends at once: the tracer's buffers are
// 64 KiB, a heap profile a few MiB.
const maxMessage = 256 << 20

// greet reads who it is.
func greet(conn net.Conn) (*process, *bufio.Reader, error) {
	in := bufio.NewReaderSize(conn, 256<<10)
	kind, b, err := message(in)
	if err != nil {
		return nil, nil, err
	}
	if kind != stub.KindHello {
		return nil, nil, fmt.Errorf("message %q before the first", kind)
	}
	p := &process{conn: conn, gone: make(chan struct{}), done: make(chan string, 16)}
	for line := range strings.Lines(string(b)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		switch k {
		case "pid":
			p.pid, _ = strconv.Atoi(v)
		case "program":
			p.program = v
		}
	}
	return p, in, nil
}

func message(in *bufio.Reader) (kind byte, payload []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head[1:])
	if n > maxMessage {
		return 0, nil, fmt.Errorf("a message of %d bytes", n)
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(in, payload)
	return head[0], payload, err
}

// take reads until the program has gone.
func (p *process) take(in *bufio.Reader) {
	defer close(p.gone)
	defer p.conn.Close()
	again := false // a piece was lost: the next Begin goes on
	full := false  // no more of this recording can be kept
	for {
		kind, b, err := message(in)
		if err != nil {
			if r := p.running(); r != nil {
				p.finish(r, false, 0)
			}
			return
		}
		if kind == stub.KindDone {
			select {
			case p.done <- string(b):
			default: // nobody waits for so many
			}
			continue
		}
		r := p.running()
		if kind == stub.KindBegin && !again {
			r, full = newRecording(p.program, p.pid, p.live), false
			p.mu.Lock()
			p.rec, p.all = r, append(p.all, r)
			p.mu.Unlock()
			p.began(p, r)
		}
		if r == nil {
			continue
		}
		switch kind {
		case stub.KindBegin:
			again = false
			if err := r.open(); err != nil {
				r.fail(err)
			}
		case stub.KindTrace:
			if c := r.current(); c != nil && !full {
				if _, err := c.s.Write(b); err != nil {
					full = true
					c.s.end()
					go func() { _ = p.tell(stub.CommandStop) }() // what cannot be kept need not be recorded
					r.fail(fmt.Errorf("keep the recording in %s, which TMPDIR can change: %w", os.TempDir(), err))
				}
			}
		case stub.KindGap:
			r.gap()
			again = true
		case stub.KindProfile:
			if mode, data, ok := bytes.Cut(b, []byte{0}); ok {
				r.mu.Lock()
				r.profiles = append(r.profiles, modeProfile{string(mode), data})
				r.mu.Unlock()
			}
		case stub.KindNote:
			r.note(string(b))
		case stub.KindRefused:
			r.fail(errors.New("the program itself uses the execution tracer: " + string(b)))
			p.finish(r, true, 0)
		case stub.KindEnd:
			again = false
			lasted, _ := strconv.ParseInt(string(b), 10, 64) // of another release's recorder it is none
			p.finish(r, true, time.Duration(lasted))
		}
	}
}

func (p *process) finish(r *recording, complete bool, lasted time.Duration) {
	r.close(complete, lasted)
	p.over(p, r)
}

// running is the recording that is not over yet, nil if there is none.
func (p *process) running() *recording {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rec == nil || p.rec.over() {
		return nil
	}
	return p.rec
}

// recordings returns all so far, in order.
func (p *process) recordings() []*recording {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.all)
}

// tell has the program carry out a command, and returns when it has: whatever
// it sent because of it is taken in by then. A program that has gone is no
// error: its recordings are over.
func (p *process) tell(command string) error {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.number++
	line := command + " " + strconv.Itoa(p.number)
	if err := p.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return nil
	}
	if _, err := io.WriteString(p.conn, line+"\n"); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		<-p.gone
		return nil
	}
	late := time.NewTimer(stopWait)
	defer late.Stop()
	for {
		select {
		case done := <-p.done:
			if done == line {
				return nil
			}
		case <-p.gone:
			return nil
		case <-late.C:
			return fmt.Errorf("process %d has not carried out %q within %v: is it stopped?", p.pid, command, stopWait)
		}
	}
}

func (p *process) alive() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}
