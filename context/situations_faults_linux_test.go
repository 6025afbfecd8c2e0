package context_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

// refused closes a scope of name, which must fail with cause, tell OnError
// once, and once more at Flush; then it goes on as if nothing were.
func refused(name string, cause error, words ...string) {
	var mu sync.Mutex
	var told []error
	err := call(name, cprofile.OnError(func(err error) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, err)
	}))
	wantError(err, words...)
	if cause != nil && !errors.Is(err, cause) {
		die("%q: error %q is not %q", name, err, cause)
	}
	mu.Lock()
	if len(told) != 1 || told[0].Error() != err.Error() {
		die("%q: returned %q, told %q", name, err, told)
	}
	mu.Unlock()
	if cprofile.Flush() != nil { // a new attempt, where the name itself was not the error
		mu.Lock()
		defer mu.Unlock()
		if len(told) != 2 {
			die("%q: told %q after Flush", name, told)
		}
	}
	fmt.Println("alive")
}

var _ = declare(map[string]func(){
	"full": func() { refused("/dev/full", syscall.ENOSPC, "/dev/full", "write") },
	"no permission": func() {
		must(os.Mkdir("d", 0o555))
		refused("d/a.prof", os.ErrPermission, "d/a.prof", "PROFSCOPE_DIR")
	},
	"under a file": func() {
		must(os.WriteFile("d", []byte("theirs"), 0o600))
		refused("d/a.prof", nil, "d/a.prof")
	},
	"a folder": func() {
		must(os.Mkdir("d.prof", 0o755))
		refused("d.prof", nil, "d.prof", "folder")
	},
	"FIFO without a reader": func() {
		must(syscall.Mkfifo("f.prof", 0o600))
		refused("f.prof", nil, "f.prof", "reader")
	},
	"keeper's failure": func() {
		// Nobody waits for this write: OnError is told by the keeper.
		outer := profctx.Start("outer.prof")
		told := make(chan error, 10)
		must(call("/dev/full", cprofile.OnError(func(err error) { told <- err })))
		wantError(<-told, "/dev/full")
		must(outer())
	},
	"becomes a folder": func() {
		// The name was good when the door was made; Flush tries again.
		p := cprofile.New("a.prof", cprofile.OnError(func(error) {}))
		must(os.MkdirAll("a.prof/x", 0o755))
		if p.Start().Stop() == nil || cprofile.Flush() == nil {
			die("no error for a folder")
		}
		must(os.RemoveAll("a.prof"))
		must(cprofile.Flush())
	},
	"FIFO": func() {
		must(syscall.Mkfifo("f.prof", 0o600))
		got := make(chan []byte)
		r, err := os.OpenFile("f.prof", os.O_RDWR, 0) // so that opening does not wait
		must(err)
		go func() {
			b := make([]byte, 1<<16)
			n, _ := r.Read(b)
			got <- b[:n]
		}()
		must(call("f.prof"))
		if b := <-got; !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
			die("the reader got %q", b)
		}
	},
	"device": func() { must(call("/dev/null")); must(cprofile.Flush()) },
	"symlink": func() {
		must(os.Mkdir("there", 0o755))
		must(os.Symlink("there/real.prof", "a.prof"))
		must(call("a.prof"))
		must(call("a.prof"))
		must(cprofile.Flush())
		if to, err := os.Readlink("a.prof"); err != nil || to != "there/real.prof" {
			die("the link is %q, %v", to, err)
		}
	},
	"deleted meanwhile": func() {
		p := cprofile.New("d/a.prof")
		must(p.Start().Stop())
		must(os.RemoveAll("d"))
		must(p.Start().Stop())
		must(cprofile.Flush())
	},
	"old file stays": func() {
		must(os.WriteFile("a.prof", []byte("old"), 0o640))
		var lim syscall.Rlimit
		must(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &lim))
		must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 10, Max: lim.Max}))
		refused("a.prof", syscall.EFBIG, "a.prof", "write")
		if b, _ := os.ReadFile("a.prof"); string(b) != "old" {
			die("the old file is %q", b)
		}
		must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &lim))
		must(cprofile.Flush()) // its calls were kept
	},
	"stdout closed": func() {
		must(os.Stdout.Close())
		var told []error
		note := cprofile.OnError(func(err error) { told = append(told, err) })
		wantError(call("", note), "stdout")
		wantError(profctx.Start("-", note)(), "stdout")
		if len(told) < 2 {
			die("told %q", told)
		}
	},
	"broken pipe": func() {
		r, w, err := os.Pipe()
		must(err)
		must(r.Close())
		must(syscall.Dup3(int(w.Fd()), 1, 0)) // Dup2 is not on every architecture
		wantError(call(""), "stdout")
		wantError(call("-"), "stdout")
		must(call("a.prof"))
	},
	"hot until killed": func() {
		p := cprofile.New("a.prof")
		for {
			s := p.Start()
			sink++
			_ = s.Stop()
			if sink%100 == 0 {
				_ = cprofile.Flush()
			}
		}
	},
})

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, calls string }{
		{"full", "", ""},
		{"no permission", "", ""},
		{"under a file", "", ""},
		{"a folder", "", ""},
		{"FIFO without a reader", "", ""},
		{"becomes a folder", "a.prof", "1"},
		{"keeper's failure", "outer.prof", "1"},
		{"FIFO", "", ""},
		{"device", "", ""},
		{"symlink", "there/real.prof", "2"},
		{"deleted meanwhile", "d/a.prof", "2"},
		{"old file stays", "a.prof", "1"},
		{"stdout closed", "", ""},
		{"broken pipe", "a.prof", "1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "no permission" && os.Geteuid() == 0 {
				t.Skip("root may write anywhere: run as another user")
			}
			o := meet(t, tt.name, 0)
			if tt.file != "" {
				calls(t, o.profile(t, tt.file), tt.calls)
			}
			if o.stdout != "" && o.stdout != "alive\n" {
				t.Errorf("stdout %q", o.stdout)
			}
			if tt.name != "broken pipe" && o.stderr != "" { // there, nobody asked for OnError
				t.Errorf("stderr %q", o.stderr)
			}
		})
	}
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		children <- struct{}{}
		defer func() { <-children }()
		dir := t.TempDir()
		o := outcome{dir: dir}
		for i := range 10 {
			cmd := command(t, "hot until killed", dir)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// Once it has written, at some moment of what follows.
			first := time.Now()
			for before := stamp(dir); stamp(dir) == before && time.Since(first) < time.Minute; {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(time.Duration(i) * 3700 * time.Microsecond)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			o.profile(t, "a.prof")
			if got := slices.DeleteFunc(o.names(t), func(s string) bool { return strings.HasPrefix(s, ".profscope-") }); len(got) != 1 {
				t.Errorf("files %q", got)
			}
		}
	})
}

// stamp changes when a.prof is replaced.
func stamp(dir string) (s struct {
	inode uint64
	mtime int64
}) {
	if fi, err := os.Stat(filepath.Join(dir, "a.prof")); err == nil {
		s.inode, s.mtime = fi.Sys().(*syscall.Stat_t).Ino, fi.ModTime().UnixNano()
	}
	return s
}
