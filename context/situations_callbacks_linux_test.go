package context_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

var _ = declare(map[string]func(){
	"OnCall panics": func() {
		logged := make(chan bool, 10)
		slog.SetDefault(slog.New(tellingLog{slog.NewTextHandler(os.Stderr, nil), logged}))
		cprofile.Func("a.prof", func() {}, cprofile.OnCall(func(cprofile.Stats) { panic("mine") }))()
		await("the panic to be logged", func() bool { must(cprofile.Flush()); return len(logged) > 0 }) // Flush itself does not wait for ever
	},
	"OnCall never returns": func() {
		p := cprofile.New("a.prof", cprofile.OnCall(func(cprofile.Stats) { select {} }))
		for range 3 {
			must(p.Start().Stop())
		}
		must(cprofile.Flush())
	},
	"OnCall profiles": func() {
		var calls atomic.Int64
		inner := cprofile.New("inner.prof")
		p := cprofile.New("a.prof", cprofile.OnCall(func(cprofile.Stats) {
			must(inner.Start().Stop())
			calls.Add(1)
		}))
		for range 3 {
			must(p.Start().Stop())
		}
		await("OnCall", func() bool { return calls.Load() == 3 })
		must(cprofile.Flush())
		if got := inner.Stats().Calls; got != 3 {
			die("%d calls", got)
		}
	},
	"OnError panics": func() {
		var told atomic.Int64
		panics := cprofile.OnError(func(error) { told.Add(1); panic("mine") })
		wantError(call("/dev/full", panics), "/dev/full")
		// And on a goroutine of profscope's own.
		outer := profctx.Start("a.prof")
		must(call("/dev/full", panics))
		await("the keeper's OnError", func() bool { return told.Load() > 1 })
		must(outer())
	},
	"OnError flushes": func() {
		wantError(call("/dev/full", cprofile.OnError(func(error) { _ = cprofile.Flush() })), "/dev/full")
		must(call("a.prof"))
	},
	"OnError profiles": func() {
		var told atomic.Int64
		inner := cprofile.New("inner.prof")
		p := cprofile.New("/dev/full", cprofile.OnError(func(error) {
			_ = inner.Start().Stop()
			done := make(chan bool)
			go func() { defer close(done); _ = inner.Start().Stop() }()
			<-done
			told.Add(1)
		}))
		wantError(p.Start().Stop(), "/dev/full")
		outer := profctx.Start("a.prof")
		must(p.Start().Stop())
		await("the keeper's OnError", func() bool { return told.Load() > 1 })
		must(outer())
	},
})

// tellingLog is a log that tells when it has written an error.
type tellingLog struct {
	slog.Handler
	errors chan<- bool
}

func (l tellingLog) Handle(ctx context.Context, r slog.Record) error {
	err := l.Handler.Handle(ctx, r)
	if r.Level == slog.LevelError {
		l.errors <- true
	}
	return err
}

// TestCallbacks has functions given to OnCall and OnError that do what they
// should not: the program goes on.
func TestCallbacks(t *testing.T) {
	t.Parallel()
	for name, logged := range map[string]string{
		"OnCall panics":        "the function given to OnCall panicked: mine",
		"OnCall never returns": "",
		"OnCall profiles":      "",
		"OnError panics":       "the function given to OnError panicked: mine",
		"OnError flushes":      "/dev/full",
		"OnError profiles":     "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := meet(t, name, 0)
			o.profile(t, "a.prof")
			if !strings.Contains(o.stderr, logged) {
				t.Errorf("no %q in %q", logged, o.stderr)
			}
		})
	}
}
