//go:build unix

package launch

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime/trace"
	"strings"
	"testing"
	"time"

	"github.com/profscope/profscope/internal/gotrace"
	"github.com/profscope/profscope/internal/launch/stub"
)

// traced is a trace of this program, of about d.
func traced(t *testing.T, d time.Duration) string {
	t.Helper()
	var b bytes.Buffer
	if err := trace.Start(&b); err != nil {
		t.Skip("somebody else traces: ", err)
	}
	time.Sleep(d)
	trace.Stop()
	return b.String()
}

// TestLosses: a recording that does not reach to the program's end says so, and
// how much is missing, as a note of its file and to who waits for it.
func TestLosses(t *testing.T) {
	whole := traced(t, 20*time.Millisecond)
	read, err := gotrace.ReadFile(strings.NewReader(whole), gotrace.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rest := (5*time.Second - (read.End - read.Begin)).Round(time.Microsecond)
	type message struct {
		kind    byte
		payload string
	}
	begin, some, gap := message{stub.KindBegin, ""}, message{stub.KindTrace, whole}, message{stub.KindGap, ""}
	for _, tt := range []struct {
		name     string
		messages []message
		want     string // "" is nothing
	}{
		{"all of it", []message{begin, some, {stub.KindEnd, "20000000"}}, ""},
		{"no room at the end", []message{begin, some, gap, {stub.KindEnd, "5000000000"}}, fmt.Sprintf("could not keep up: the end of the recording, %v, is missing", rest)},
		{"of a recorder that tells no length", []message{begin, some, gap, {stub.KindEnd, "exit"}}, "could not keep up: the end of the recording is missing"},
		{"no room in between", []message{begin, some, gap, begin, some, {stub.KindEnd, "20000000"}}, "has 2 pieces"},
		{"nothing of the last piece", []message{begin, some, gap, begin, gap, {stub.KindEnd, "5000000000"}}, "the end of the recording, 5s, is missing"},
		{"gone without a word", []message{begin, some}, "its end may be missing, "},
		{"damaged", []message{begin, some, {stub.KindTrace, whole[16:200]}, {stub.KindEnd, "20000000"}}, "he trace is cut or damaged"},
		{"gone with no room", []message{begin, some, gap}, "its end may be missing, "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "x.prof")
			s := newSession(&Options{Output: out})
			conn, program := net.Pipe()
			p := &process{conn: conn, pid: 1, program: "program", gone: make(chan struct{}), done: make(chan string, 1)}
			s.join(p)
			go func() {
				defer program.Close()
				for _, m := range tt.messages {
					head := binary.LittleEndian.AppendUint32([]byte{m.kind}, uint32(len(m.payload)))
					if _, err := io.WriteString(program, string(head)+m.payload); err != nil {
						t.Error(err)
					}
				}
			}()
			p.take(bufio.NewReader(conn))
			r := p.recordings()[0]
			<-r.wrote
			if r.err != nil || len(r.files) != 1 {
				t.Fatal(r.files, r.err)
			}
			notes, told := strings.Join(parse(t, out).Comments, "\n"), strings.Join(r.files[0].Losses, "\n")
			if tt.want != "" && (!strings.Contains(notes, tt.want) || !strings.Contains(told, tt.want)) {
				t.Errorf("the file says\n%s\nand we %q", notes, told)
			}
			if tt.want == "" && (strings.Contains(notes, "missing") || told != "") {
				t.Errorf("nothing is missing, and the file says\n%s\nand we %q", notes, told)
			}
		})
	}
}
