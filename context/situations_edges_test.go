package context_test

import (
	"context"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

var _ = declare(map[string]func(){
	"stop twice": func() {
		s := cprofile.New("a.prof").Start()
		time.Sleep(5 * time.Millisecond)
		must(s.Stop())
		must(s.Stop())
		stop := profctx.Start("b.prof")
		must(stop())
		must(stop())
		must(cprofile.Flush())
	},
	"stale stop": func() {
		// The slot of an ended scope is used again: a stale Stop must not
		// end the scope that has it now.
		p := cprofile.New("a.prof")
		old := p.Start()
		must(old.Stop())
		s := p.Start()
		must(old.Stop())
		time.Sleep(20 * time.Millisecond)
		must(s.Stop())
	},
	"harmless": func() {
		var s cprofile.Scope
		must(s.Stop())
		var p *cprofile.Profile
		must(p.Start().Stop())
		if p.Stats().Calls != 0 {
			die("a nil handle has calls")
		}
		must(new(cprofile.Profile).Start().Stop())
		must(cprofile.Flush())
		leave := profctx.Join(context.Background())
		leave()
		leave()
	},
	"stop elsewhere": func() {
		stop := profctx.Start("a.prof")
		s := cprofile.New("b.prof").Start()
		time.Sleep(10 * time.Millisecond)
		errs := make(chan error)
		go func() { errs <- s.Stop(); errs <- stop() }()
		must(<-errs)
		must(<-errs)
	},
	"never ended": func() {
		profctx.Start("a.prof")
		time.Sleep(20 * time.Millisecond)
		must(cprofile.Flush())
	},
	"opener gone": func() {
		done := make(chan struct{})
		var stop func() error
		go func() { defer close(done); stop = profctx.Start("a.prof"); time.Sleep(10 * time.Millisecond) }()
		<-done
		time.Sleep(20 * time.Millisecond)
		must(stop())
	},
	"ended after flush": func() {
		stop := profctx.Start("a.prof")
		time.Sleep(20 * time.Millisecond)
		must(cprofile.Flush())
		time.Sleep(30 * time.Millisecond)
		must(stop())
	},
	"exit while open": func() {
		profctx.Start("a.prof")
		time.Sleep(10 * time.Millisecond)
		must(cprofile.Flush())
		time.Sleep(10 * time.Millisecond)
		os.Exit(5)
	},
	"log.Fatal while open": func() {
		must(call("b.prof"))
		profctx.Start("a.prof")
		log.Fatal("fatal as ever")
	},
	"in init": func() {
		time.Sleep(10 * time.Millisecond)
		must(initStop())
	},
	"join": func() {
		ctx, stop := profctx.With(context.Background(), "a.prof")
		work := make(chan bool)
		done := make(chan bool)
		<-ready
		pool <- func() {
			leave := profctx.Join(ctx)
			again := profctx.Join(ctx)
			<-work
			again()
			again()
			time.Sleep(20 * time.Millisecond)
			leave()
			leave()
			time.Sleep(20 * time.Millisecond) // no member any more
			close(done)
		}
		time.Sleep(10 * time.Millisecond)
		close(work)
		<-done
		must(stop())
		late := profctx.Join(ctx) // the scope has ended
		late()
	},
})

// A pool older than any scope, as Join is for.
var pool, ready = func() (chan func(), chan bool) {
	c, r := make(chan func()), make(chan bool)
	go func() {
		close(r)
		for f := range c {
			f()
		}
	}()
	return c, r
}()

// A scope that a package opens before main.
var initStop func() error

func init() {
	if os.Getenv(situationEnv) == "in init" {
		initStop = profctx.Start("a.prof")
	}
}

func TestEdges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		code       int
		file       string
		atLeast    int64 // milliseconds
		unfinished bool
	}{
		{"stop twice", 0, "a.prof", 5, false},
		{"stale stop", 0, "a.prof", 20, false},
		{"stop elsewhere", 0, "a.prof", 10, false},
		{"never ended", 0, "a.prof", 20, true},
		{"opener gone", 0, "a.prof", 10, false},
		{"ended after flush", 0, "a.prof", 50, false},
		{"exit while open", 5, "a.prof", 10, true},
		{"log.Fatal while open", 1, "b.prof", 0, false},
		{"in init", 0, "a.prof", 10, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := meet(t, tt.name, tt.code)
			p := o.profile(t, tt.file)
			if p.DurationNanos < ms(tt.atLeast) {
				t.Errorf("elapsed %d ns, want %d ms at least", p.DurationNanos, tt.atLeast)
			}
			if got := comment(p, "unfinished:"); got != tt.unfinished {
				t.Errorf("unfinished: %v, want %v: %q", got, tt.unfinished, p.Comments)
			}
			switch tt.name {
			case "stale stop":
				calls(t, p, "2")
			case "log.Fatal while open":
				if !strings.Contains(o.stderr, "fatal as ever") {
					t.Errorf("stderr %q", o.stderr)
				}
			default:
				if !tt.unfinished {
					calls(t, p, "1")
				}
			}
		})
	}
	t.Run("harmless", func(t *testing.T) {
		t.Parallel()
		if o := meet(t, "harmless", 0); o.stdout+o.stderr != "" || len(o.names(t)) != 0 {
			t.Errorf("left %q, %q, %q", o.names(t), o.stdout, o.stderr)
		}
	})
	t.Run("join", func(t *testing.T) {
		t.Parallel()
		p := meet(t, "join", 0).profile(t, "a.prof")
		joined, all := wall(p, "role", "joined"), p.DurationNanos
		if joined < ms(20) || joined > all-ms(20) {
			t.Errorf("joined for %d ns of %d", joined, all)
		}
	})
}
