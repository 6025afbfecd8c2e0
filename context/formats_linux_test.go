package context_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime/trace"
	"strings"
	"syscall"
	"testing"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

var endings = []string{".prof", ".txt", ".folded", ".trace", ".pftrace", ".json", ".json.gz"}

// streamed tells formats that are made from the recording as it comes.
func streamed(ending string) bool {
	return ending == ".trace" || ending == ".pftrace" || strings.HasPrefix(ending, ".json")
}

var _ = declare(map[string]func(){
	"every format, full": func() {
		var lim syscall.Rlimit
		must(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &lim))
		for _, at := range []uint64{0, 100} {
			for _, ending := range endings {
				name := "old" + ending
				must(os.WriteFile(name, []byte("old"), 0o600))
				must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: at, Max: lim.Max}))
				var told []error
				err := call(name, cprofile.OnError(func(err error) { told = append(told, err) }))
				wantError(err, name, "write")
				if !errors.Is(err, syscall.EFBIG) || len(told) != 1 || told[0].Error() != err.Error() {
					die("%s, full at byte %d: %q, told %q", name, at, err, told)
				}
				must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &lim))
				if b, err := os.ReadFile(name); string(b) != "old" {
					die("%s, full at byte %d: the old file is %q, %v", name, at, b, err)
				}
				must(cprofile.Flush())
				// What was made from the stream is gone with it; all else was kept.
				if b, err := os.ReadFile(name); (string(b) == "old") != streamed(ending) {
					die("%s: after Flush the file is %.20q, %v", name, b, err)
				}
			}
		}
		for _, ending := range endings {
			must(os.Remove("old" + ending))
		}
	},
	"every format, FIFO": func() {
		for _, ending := range endings {
			name := "fifo" + ending
			must(syscall.Mkfifo(name, 0o600))
			refused(name, nil, name)
			hold, err := os.OpenFile(name, os.O_RDWR, 0) // does not wait for a writer
			must(err)
			got := make(chan []byte, 1)
			r, err := os.Open(name)
			must(err)
			go func() {
				b, _ := io.ReadAll(r)
				got <- b
			}()
			must(call(name))
			must(cprofile.Flush())
			must(hold.Close()) // the last writer: the reader sees the end
			b := <-got
			if want := begins[ending]; !bytes.HasPrefix(b, []byte(want)) {
				die("%s: the reader got %q, which should begin with %q", name, b[:min(len(b), 20)], want)
			}
			must(r.Close())
			must(os.Remove(name))
		}
	},
	"broken off": func() {
		stop := profctx.Start("a.prof", cprofile.Also("a.json"), cprofile.OnError(func(error) {}))
		time.Sleep(20 * time.Millisecond)
		trace.Stop() // somebody's, who never started it
		time.Sleep(time.Second)
		wantError(stop(), "a.json", "only the last part")
		if b, err := os.ReadFile("a.json"); !json.Valid(b) {
			die("%d bytes, %v", len(b), err)
		}
		must(call("a.prof", cprofile.Also("a.json"))) // it is told once
		must(os.Remove("a.prof"))
		must(os.Remove("a.json"))
	},
	"every format, broken stdout": func() {
		r, w, err := os.Pipe()
		must(err)
		must(r.Close())
		must(syscall.Dup3(int(w.Fd()), 1, 0))
		for _, ending := range endings {
			wantError(call("-", cprofile.Format(strings.TrimPrefix(ending, "."))), "stdout")
		}
	},
})

// begins has what files of each format begin with.
var begins = map[string]string{".prof": "\x1f\x8b", ".txt": "github.com", ".folded": "", ".trace": "go 1.", ".pftrace": "\n", ".json": "{", ".json.gz": "\x1f\x8b"}

// TestEveryFormatFails has no room for any format, no reader, no stdout, and a
// recording that is broken off: the error names the destination, and an old file
// stays whole.
func TestEveryFormatFails(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"every format, full", "every format, FIFO", "every format, broken stdout", "broken off"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := meet(t, name, 0)
			if left, err := os.ReadDir(o.dir); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}
