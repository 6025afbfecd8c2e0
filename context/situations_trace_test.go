package context_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	runtrace "runtime/trace"
	"strings"
	"testing"
	"time"

	"golang.org/x/exp/trace"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

func contents(name string) string {
	b, err := os.ReadFile(name)
	must(err)
	return string(b)
}

var _ = declare(map[string]func(){
	"trace, then another recording": func() {
		must(profctx.Start("a.trace")())
		before := contents("a.trace")
		stop := profctx.Start("b.prof")
		time.Sleep(5 * time.Millisecond)
		must(stop())
		must(cprofile.Flush())
		if contents("a.trace") != before {
			die("a recording without a scope of it has replaced a.trace")
		}
	},
	"trace in a running recording": func() {
		outer := profctx.Start("outer.prof")
		time.Sleep(20 * time.Millisecond)
		stop := profctx.Start("a.trace")
		time.Sleep(5 * time.Millisecond)
		must(stop())
		await("a.trace while another scope is open", func() bool {
			_, err := os.Stat("a.trace")
			return err == nil
		})
		before := contents("a.trace")
		must(outer())
		if contents("a.trace") != before {
			die("a.trace has more than its scope")
		}
	},
	"traces that follow each other": func() {
		// The file comes while they go on, and has whole scopes only, each with its
		// name, of about a second: also with numbers asked for in between.
		outer := profctx.Start("outer.prof")
		p := cprofile.New("a.trace")
		var last os.FileInfo
		files := 0
		for begin := time.Now(); time.Since(begin) < 4*time.Second || files < 2; {
			s := p.Start()
			time.Sleep(10 * time.Millisecond)
			must(s.Stop())
			if files == 1 {
				p.Stats()
			}
			if fi, err := os.Stat("a.trace"); err == nil && (last == nil || !os.SameFile(fi, last)) {
				files, last = files+1, fi
			}
			if time.Since(begin) > time.Minute {
				die("%d files", files)
			}
		}
		must(os.Rename("a.trace", "b.trace"))
		await("a file of later scopes", func() bool {
			must(p.Start().Stop())
			_, err := os.Stat("a.trace")
			return err == nil
		})
		must(outer())
	},
	"a trace a call": func() {
		outer := profctx.Start("outer.prof")
		p := cprofile.New("n-%n.trace")
		for range 3 {
			must(p.Start().Stop())
		}
		must(cprofile.Flush())
		for i := range 3 {
			contents(fmt.Sprintf("n-%d.trace", 1+i))
		}
		must(outer())
		must(os.Rename("n-3.trace", "a.trace"))
	},
	"trace beside theirs": func() {
		must(runtrace.Start(io.Discard))
		stop := profctx.Start("a.trace")
		time.Sleep(5 * time.Millisecond)
		must(stop())
		runtrace.Stop()
	},
	"trace of a scope that stays": func() {
		// Two recordings, one after the other: the file is of the second, and
		// stop says that it lacks the first.
		stop := profctx.Start("a.trace")
		time.Sleep(20 * time.Millisecond)
		runtrace.Stop()
		p := cprofile.New("b.prof")
		must(p.Start().Stop()) // notices it
		time.Sleep(5 * time.Millisecond)
		wantError(stop(), "a.trace", "last part")
	},
	"trace without a tracer": func() {
		fr := runtrace.NewFlightRecorder(runtrace.FlightRecorderConfig{})
		must(fr.Start())
		must(runtrace.Start(io.Discard))
		var told []error
		err := call("a.trace", cprofile.OnError(func(err error) { told = append(told, err) }))
		wantError(err, "a.trace", "tracer")
		if len(told) != 1 {
			die("told %q", told)
		}
		must(cprofile.Flush())
		fr.Stop()
		runtrace.Stop()
	},
	"trace that cannot be written": func() {
		// The failure is its own destination's, not that of the one whose
		// scope ends last.
		outer := profctx.Start("outer.prof")
		must(os.Mkdir("d", 0o700))
		told := make(chan error, 10)
		p := cprofile.New("d/a.trace", cprofile.OnError(func(err error) { told <- err }))
		must(os.Remove("d"))
		must(os.WriteFile("d", nil, 0o600)) // the name was good so far
		must(p.Start().Stop())
		wantError(<-told, "a.trace")
		must(outer())
	},
})

// TestTraceFiles has .trace files of scopes that are not alone.
func TestTraceFiles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		// Marks of the destination's scopes in the file, which may begin a bit
		// early: with calls of the same name that have just ended.
		begins, ends int
	}{
		{"trace, then another recording", 1, 1},
		{"trace in a running recording", 1, 1},
		{"a trace a call", 1, 1},
		{"trace beside theirs", 1, 1},
		{"trace of a scope that stays", 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := meet(t, tt.name, 0)
			begins, ends := marks(t, filepath.Join(o.dir, "a.trace"), ".trace")
			if begins < tt.begins || ends < tt.ends || ends-begins != tt.ends-tt.begins {
				t.Errorf("%d begins and %d ends of the scope in a.trace, want %d and %d", begins, ends, tt.begins, tt.ends)
			}
		})
	}
	t.Run("traces that follow each other", func(t *testing.T) {
		t.Parallel()
		o := meet(t, "traces that follow each other", 0)
		for _, name := range []string{"a.trace", "b.trace"} {
			file := filepath.Join(o.dir, name)
			if begins, ends := marks(t, file, ".trace"); begins == 0 || ends < begins { // and ends of scopes that had just ended
				t.Errorf("%s: %d begins and %d ends", name, begins, ends)
			}
			if n := nameless(t, file); n != 0 {
				t.Errorf("%s: %d scopes have no name", name, n)
			}
		}
	})
	for _, name := range []string{"trace without a tracer", "trace that cannot be written"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := meet(t, name, 0)
			if _, err := os.Stat(filepath.Join(o.dir, "a.trace")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a.trace: %v", err)
			}
		})
	}
}

// marks reads a whole trace, and counts the marks of scopes whose destination
// ends so.
func marks(t *testing.T, name, target string) (begins, ends int) {
	t.Helper()
	eachLog(t, name, func(scope string, l trace.Log) {
		if !strings.HasSuffix(scope, target) && scope != "" {
			return
		}
		switch l.Category {
		case "profscope.begin":
			begins++
		case "profscope.end":
			ends++
		}
	})
	return begins, ends
}

// nameless counts the begins in a whole trace of scopes whose name it does not
// tell by then.
func nameless(t *testing.T, name string) (n int) {
	t.Helper()
	named := make(map[trace.TaskID]bool)
	eachLog(t, name, func(_ string, l trace.Log) {
		switch {
		case l.Category == "profscope.name":
			named[l.Task] = true
		case l.Category == "profscope.begin" && !named[l.Task]:
			n++
		}
	})
	return n
}

// eachLog calls f with the logs of a whole trace, and with what the scope is
// called whose task it is, "" if that is not known by then.
func eachLog(t *testing.T, name string, f func(scope string, l trace.Log)) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := trace.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[trace.TaskID]string)
	for {
		e, err := r.ReadEvent()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		switch e.Kind() {
		case trace.EventTaskBegin:
			names[e.Task().ID] = e.Task().Type
		case trace.EventLog:
			l := e.Log()
			if l.Category == "profscope.name" {
				names[l.Task] = l.Message
			}
			f(names[l.Task], l)
		}
	}
}
