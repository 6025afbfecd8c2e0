//go:build unix

package context_test

import (
	"fmt"
	"os"
	"strings"
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
	// A table on stdout cannot be replaced: there is one, when no scope is open.
	"stdout by the system's name": func() {
		outer := profctx.Start("/dev/stdout", cprofile.Format("txt"), cprofile.Name("outer"))
		must(cprofile.Flush())
		must(cprofile.Flush())
		fmt.Println("ended")
		must(outer())
	},
})

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
