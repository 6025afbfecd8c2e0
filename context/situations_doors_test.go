package context_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

func twice(n int) int { return 2 * n }

// everyDoor goes once through each.
func everyDoor() {
	p := cprofile.New("new.prof")
	must(p.Start().Stop())
	must(profctx.Start("start.prof")())
	if cprofile.Func("func.prof", twice)(21) != 42 {
		die("Func changed a result")
	}
	must(cprofile.Flush())
	fmt.Println("the program's own output")
}

var _ = declare(map[string]func(){
	"every door": everyDoor,
	"Enabled(false)": func() {
		off := cprofile.Enabled(false)
		must(call("a.prof", off))
		must(profctx.Start("a.prof", off)())
		must(call("a.html", off)) // not even the name is looked at
		cprofile.Func("a.prof", twice, off)(1)
		must(cprofile.Flush())
	},
	"Func of no function": func() {
		for _, wrap := range []func(){
			func() { cprofile.Func("a.prof", 7) },
			func() { cprofile.Func("a.prof", any(nil)) },
			func() { cprofile.Func[func()]("a.prof", nil) },
			func() { cprofile.Func("a.prof", "x", cprofile.Enabled(false)) },
		} {
			func() {
				defer func() {
					if s := fmt.Sprint(recover()); !strings.Contains(s, `cprofile.Func("a.prof")`) {
						die("panic %q", s)
					}
				}()
				wrap()
			}()
		}
	},
	"panic in Func": func() {
		f := cprofile.Func("a.prof", func() { time.Sleep(5 * time.Millisecond); panic("mine") })
		func() {
			defer func() {
				if r := recover(); r != "mine" {
					die("recovered %v", r)
				}
			}()
			f()
		}()
	},
	"bad names": func() {
		for name, words := range map[string][]string{
			"x.html":       {"x.html", "convert", ".prof"},
			"x%q.prof":     {"x%q.prof", "%q"},
			"x%":           {"x%", "%"},
			"%n.html":      {"%n.html", "convert"},
			"bad\x00.prof": {"bad"},
			"folder/":      {"folder", "is a folder"},
		} {
			var told []error
			note := cprofile.OnError(func(err error) { told = append(told, err) })
			p := cprofile.New(name, note)
			s := p.Start()
			wantError(s.Stop(), words...)
			must(s.Stop()) // the second is no attempt
			wantError(profctx.Start(name, note)(), words...)
			if len(told) != 2 {
				die("%q: told %d times: %q", name, len(told), told)
			}
		}
		for name, want := range map[string]error{
			"x.html": cprofile.ErrFormat, "x%q.prof": cprofile.ErrVerb, "bad\x00.prof": cprofile.ErrName, "folder/": cprofile.ErrFolder,
		} {
			if err := call(name); !errors.Is(err, want) {
				die("%q: %v, want %v", name, err, want)
			}
		}
		wantError(call("x.prof", cprofile.Format("nonsense")), "nonsense", "txt")
		wantError(call("x.prof", cprofile.Also("y.html")), "y.html")
	},
	"error in the log": func() {
		wantError(call("x.html"))
	},
	"names": func() {
		must(call("p-%p.prof"))
		must(call("h-%h.prof"))
		must(call("t-%t.prof"))
		must(call("r-%r.prof"))
		must(call("c-%%.prof"))
		must(call("folder/deep/er.prof"))
		fmt.Print(os.Getpid())
	},
	"call numbers": func() {
		p := cprofile.New("n-%n.prof")
		for range 3 {
			s := p.Start()
			time.Sleep(2 * time.Millisecond)
			must(s.Stop())
		}
		for range 2 { // a door a call, the same numbers
			must(profctx.Start("n-%n.prof")())
		}
		must(cprofile.Flush())
	},
	"table": func() {
		stop := profctx.Start("", cprofile.Name("what.I.call.it"))
		time.Sleep(10 * time.Millisecond)
		must(stop())
	},
	"table of many calls": func() {
		p := cprofile.New("", cprofile.Name("what.I.call.it"))
		for range 100 {
			must(p.Start().Stop())
		}
		must(cprofile.Flush())
	},
	"table beside another": func() {
		// The table's scope ends while another is open, and so is written by
		// the keeper, which prints nothing; the last end does.
		outer := profctx.Start("outer.prof")
		must(profctx.Start("", cprofile.Name("what.I.call.it"))())
		time.Sleep(120 * time.Millisecond)
		must(cprofile.Flush())
		must(outer())
	},
	"dash": func() {
		stop := profctx.Start("-")
		time.Sleep(10 * time.Millisecond)
		must(stop())
	},
	"also": func() {
		stop := profctx.Start("a.prof", cprofile.Also("a.txt"), cprofile.Also("a.trace"))
		time.Sleep(10 * time.Millisecond)
		must(stop())
		must(call("b.prof", cprofile.Format("txt")))
	},
	"doors add up": func() {
		wd, err := os.Getwd()
		must(err)
		one, two := cprofile.New("a.prof"), cprofile.New(filepath.Join(wd, "a.prof"))
		for range 3 {
			must(one.Start().Stop())
			must(two.Start().Stop())
		}
		f := cprofile.Func("./a.prof", twice)
		f(1)
		must(profctx.Start("a.prof")())
		must(cprofile.Flush())
		if a, b := one.Stats().Calls, two.Stats().Calls; a != 8 || b != 8 {
			die("%d and %d calls, want 8", a, b)
		}
	},
	"recursion": func() {
		p := cprofile.New("a.prof")
		var down func(n int)
		down = func(n int) {
			defer p.Start().Stop()
			if n > 0 {
				down(n - 1)
			}
			time.Sleep(time.Millisecond)
		}
		for range 2 {
			down(9)
		}
		must(cprofile.Flush())
	},
})

func TestDoors(t *testing.T) {
	t.Parallel()
	run := func(name string, check func(t *testing.T, o outcome), env ...string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, meet(t, name, 0, env...))
		})
	}
	onlyOutput := func(t *testing.T, o outcome) {
		if len(o.names(t)) != 0 || o.stderr != "" {
			t.Errorf("left %q and %q", o.names(t), o.stderr)
		}
	}
	run("Enabled(false)", onlyOutput)
	run("Func of no function", onlyOutput)
	run("bad names", func(t *testing.T, o outcome) {
		if n := o.names(t); len(n) != 0 {
			t.Errorf("left %q", n)
		}
	})
	for _, off := range []string{"off", "Off", "0", "false"} {
		t.Run("PROFSCOPE="+off, func(t *testing.T) {
			t.Parallel()
			o := meet(t, "every door", 0, "PROFSCOPE="+off)
			onlyOutput(t, o)
		})
	}
	t.Run("every door", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		o := meet(t, "every door", 0, "PROFSCOPE_DIR="+dir)
		if o.stdout != "the program's own output\n" || o.stderr != "" {
			t.Errorf("stdout %q, stderr %q", o.stdout, o.stderr)
		}
		onlyOutput(t, o)
		o.dir = dir
		if got := o.names(t); !slices.Equal(got, []string{"func.prof", "new.prof", "start.prof"}) {
			t.Errorf("files %q", got)
		}
	})
	run("panic in Func", func(t *testing.T, o outcome) {
		if p := o.profile(t, "a.prof"); p.DurationNanos < ms(5) {
			t.Errorf("elapsed %d ns", p.DurationNanos)
		}
	})
	run("error in the log", func(t *testing.T, o outcome) {
		if n := strings.Count(o.stderr, "x.html"); n == 0 || strings.Count(o.stderr, "\n") != 1 {
			t.Errorf("want one line of log: %q", o.stderr)
		}
	})
	run("names", func(t *testing.T, o outcome) {
		host, _ := os.Hostname()
		got := o.names(t)
		for _, want := range []string{"p-" + o.stdout + ".prof", "h-" + host + ".prof", "r-3.prof", "c-%.prof"} {
			if !slices.Contains(got, want) {
				t.Errorf("no %s in %q", want, got)
			}
		}
		if !slices.ContainsFunc(got, func(s string) bool {
			_, err := time.Parse("t-20060102T150405.prof", s)
			return err == nil
		}) {
			t.Errorf("no start time in %q", got)
		}
		o.profile(t, "folder/deep/er.prof")
	}, "RANK=3", "LOCAL_RANK=1")
	run("call numbers", func(t *testing.T, o outcome) {
		if got := o.names(t); !slices.Equal(got, []string{"n-1.prof", "n-2.prof", "n-3.prof", "n-4.prof", "n-5.prof"}) {
			t.Errorf("files %q", got)
		}
		for _, n := range o.names(t) {
			calls(t, o.profile(t, n), "1")
		}
	})
	run("table", func(t *testing.T, o outcome) {
		for _, w := range []string{"what.I.call.it", "sleep", "blocked"} {
			if !strings.Contains(o.stdout, w) {
				t.Errorf("no %q in\n%s", w, o.stdout)
			}
		}
	})
	run("table of many calls", func(t *testing.T, o outcome) {
		// Two at once and one at the end; more only where the machine stood
		// still for so long that it looked like an end.
		n := strings.Count(o.stdout, "what.I.call.it")
		_, last, _ := strings.Cut(o.stdout[strings.LastIndex(o.stdout, "what.I.call.it"):], "\n")
		if n < 3 || n > 20 || !strings.HasPrefix(last, "100 calls, ") {
			t.Errorf("%d tables, the last one:\n%s", n, last)
		}
	})
	run("table beside another", func(t *testing.T, o outcome) {
		if n := strings.Count(o.stdout, "what.I.call.it"); n == 0 {
			t.Errorf("no table: %q", o.stdout)
		}
	})
	run("dash", func(t *testing.T, o outcome) {
		if p := parse(t, "-", []byte(o.stdout)); p.DurationNanos < ms(10) {
			t.Errorf("elapsed %d ns", p.DurationNanos)
		}
	})
	run("also", func(t *testing.T, o outcome) {
		o.profile(t, "a.prof")
		for name, begin := range map[string]string{"a.trace": "go 1.", "a.txt": "", "b.prof": ""} {
			f, err := os.Open(filepath.Join(o.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(f)
			f.Close()
			if !strings.HasPrefix(string(b), begin) || begin == "" && !strings.Contains(string(b), "1 call") {
				t.Errorf("%s: %.200q", name, b)
			}
		}
	})
	run("doors add up", func(t *testing.T, o outcome) { calls(t, o.profile(t, "a.prof"), "8") })
	run("recursion", func(t *testing.T, o outcome) {
		p := o.profile(t, "a.prof")
		calls(t, p, "20/2")
		if p.DurationNanos < ms(20) {
			t.Errorf("elapsed %d ns", p.DurationNanos)
		}
	})
}
