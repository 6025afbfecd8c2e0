//go:build unix

package context_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

//go:noinline
func tableOne() {
	defer profctx.Start("")()
	time.Sleep(10 * time.Millisecond)
}

//go:noinline
func tableTwo() {
	defer profctx.Start("")()
	time.Sleep(30 * time.Millisecond)
}

var _ = declare(map[string]func(){
	// All names of a file lead to one destination.
	"one file": func() {
		must(os.MkdirAll("real", 0o755))
		must(os.Symlink("real", "folder"))
		must(os.Symlink("real/a.prof", "latest.prof"))
		for _, name := range []string{"real/a.prof", "latest.prof", "folder/a.prof", "./real/../latest.prof"} {
			must(call(name))
			must(call(name))
		}
		must(call("b.prof", cprofile.Also("c.prof")))
		must(call("c.prof", cprofile.Also("b.prof")))
		must(cprofile.Flush())
	},
	// Two doors that write a file otherwise would take each other's calls away.
	"one file, otherwise": func() {
		const word = "is written already"
		must(call("a.prof", cprofile.Also("b.prof")))
		wantError(call("b.prof"), "b.prof", word)
		wantError(call("a.prof", cprofile.Format("txt")), "a.prof", word)
		wantError(call("c.prof", cprofile.Also("b.prof")), "b.prof", word)
		wantError(call("d.prof", cprofile.Format("folded"), cprofile.Also("d.prof")), "d.prof", word)
		must(call("a.prof", cprofile.Also("b.prof")))
		must(call("/dev/null"))
		must(call("/dev/null", cprofile.Format("txt")))
		// Files that each call has of its own come and go.
		must(call("n-%n.prof", cprofile.Also("last.prof")))
		must(call("n-%n.prof", cprofile.Also("last.prof")))
		must(cprofile.Flush())
	},
	"tables of two functions": func() {
		tableOne()
		tableTwo()
		tableOne()
		one, two := cprofile.New(""), cprofile.New("", cprofile.Format("txt"))
		func() { defer one.Start().Stop() }()
		func() { defer two.Start().Stop() }()
		must(cprofile.Flush())
		fmt.Println("end")
	},
	// A handle is made once, perhaps in a package variable: what was in the way then
	// may be gone when it is used.
	"a name that works later": func() {
		must(os.Mkdir("a.prof", 0o755))
		p := cprofile.New("a.prof")
		if err := p.Start().Stop(); !errors.Is(err, cprofile.ErrFolder) {
			die("a folder: %v", err)
		}
		if err := cprofile.Flush(); !errors.Is(err, cprofile.ErrFolder) {
			die("flushed to a folder: %v", err)
		}
		must(os.Remove("a.prof"))
		must(p.Start().Stop())
		if n := p.Stats().Calls; n != 2 { // the first is not lost
			die("%d calls, want 2", n)
		}

		must(syscall.Mkfifo("fifo", 0o600))
		q := cprofile.New("fifo", cprofile.Format("txt"))
		if err := q.Start().Stop(); !errors.Is(err, cprofile.ErrNoReader) {
			die("a FIFO without a reader: %v", err)
		}
		read := make(chan []byte, 1)
		go func() {
			b, err := os.ReadFile("fifo")
			must(err)
			read <- b
		}()
		await("the handle to find the reader", func() bool { return q.Start().Stop() == nil })
		if b := <-read; !strings.Contains(string(b), " calls,") { // the first is not lost
			die("the reader has %q", b)
		}
		must(os.Remove("fifo"))
		must(cprofile.Flush())
	},
	"a file of one call": func() {
		p := cprofile.New("n-%n.prof")
		must(p.Start().Stop())
		must(os.Mkdir("n-2.prof", 0o755))
		s := p.Start()
		must(os.Remove("n-2.prof"))
		wantError(s.Stop(), "n-2.prof", "is a folder")
		must(p.Start().Stop())
		if err := call("y.txt", cprofile.Also("y-%n.txt")); !errors.Is(err, cprofile.ErrVerb) {
			die("%%n in a companion alone: %v", err)
		}
	},
	// A table on stdout cannot be replaced: there is one, when no scope is open.
	"stdout by the system's name": func() {
		outer := profctx.Start("/dev/stdout", cprofile.Format("txt"), cprofile.Name("outer"))
		must(cprofile.Flush())
		must(cprofile.Flush())
		fmt.Println("ended")
		must(outer())
	},
})

func TestNameThatWorksLater(t *testing.T) {
	t.Parallel()
	calls(t, meet(t, "a name that works later", 0).profile(t, "a.prof"), "2")
}

func TestFileOfOneCall(t *testing.T) {
	t.Parallel()
	if got := strings.Join(meet(t, "a file of one call", 0).names(t), " "); got != "n-1.prof n-3.prof" {
		t.Errorf("the files are %s", got)
	}
}

func TestStdoutByAnotherName(t *testing.T) {
	t.Parallel()
	o := meet(t, "stdout by the system's name", 0)
	if !strings.HasPrefix(o.stdout, "ended\n") || strings.Count(o.stdout, "1 call,") != 1 {
		t.Errorf("want one table, at the end:\n%s", o.stdout)
	}
}

func TestOneFile(t *testing.T) {
	t.Parallel()
	o := meet(t, "one file", 0)
	calls(t, o.profile(t, "real/a.prof"), "8")
	calls(t, o.profile(t, "b.prof"), "2")
	calls(t, o.profile(t, "c.prof"), "2")
	o = meet(t, "one file, otherwise", 0)
	for name, n := range map[string]string{"a.prof": "2", "b.prof": "2", "n-1.prof": "1", "n-2.prof": "1", "last.prof": "1"} {
		calls(t, o.profile(t, name), n)
	}
}

func TestTablesApart(t *testing.T) {
	t.Parallel()
	o := meet(t, "tables of two functions", 0)
	for _, want := range []string{
		"context_test.tableOne\n1 call,", "context_test.tableTwo\n1 call,", "context_test.tableOne\n2 calls,",
	} {
		if strings.Count(o.stdout, want) != 1 {
			t.Errorf("want once %q in\n%s", want, o.stdout)
		}
	}
}
