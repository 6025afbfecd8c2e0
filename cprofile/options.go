package cprofile

import (
	"os"
	"time"

	"github.com/profscope/profscope/internal/session"
)

// Option changes what a door records or where it writes. Only the functions of
// this package make options.
type Option = session.Option

// Enabled(false) switches the door off: Func returns the function itself, a
// handle costs what a nil check costs, nothing is written. The default is true.
func Enabled(on bool) Option { return func(o *session.Options) { o.Off = !on } }

// SlowerThan keeps in the file only calls that lasted at least d. It is
// decided when the call has ended, so nothing of a slow call is lost. Calls,
// the distribution and [Stats] count all calls all the same.
func SlowerThan(d time.Duration) Option { return func(o *session.Options) { o.SlowerThan = d } }

// Format sets the format of the file by an ending without its dot ("prof",
// "txt", "trace"); it wins over the ending of the name.
func Format(ending string) Option { return func(o *session.Options) { o.Format = ending } }

// Also writes the same to another file too, in the format of its ending. It
// may be given several times. With %n in the name, one without has the last call.
func Also(file string) Option { return func(o *session.Options) { o.Also = append(o.Also, file) } }

// Name is what the scope is called in tables and comments, instead of the
// function that opened it.
func Name(name string) Option { return func(o *session.Options) { o.Name = name } }

// OnError is given every failed attempt to record or to write, instead of
// log/slog. Stop returns the error as well. It is called on any goroutine, and for
// one handle or wrapped function never twice at once (each context.Start has its
// own): what fails while it runs, by a Flush of its own for one, goes to log/slog,
// and so does its panic. It must not end its goroutine (runtime.Goexit, t.Fatal),
// which may be that of a scope of another file.
func OnError(f func(error)) Option { return func(o *session.Options) { o.OnError = f } }

// Stitch(false) leaves the stacks of spawned goroutines as they are, instead
// of hanging them under the go statement that created them.
func Stitch(on bool) Option { return func(o *session.Options) { o.Unstitched = !on } }

// OnCall is given the exact totals of each finished call: what one request
// ran, waited for a processor and was blocked. Finished calls come in order,
// on one goroutine, never the caller's; a function that is slower than the
// calls come loses some beyond the 65,536 that wait for it. Its panic is logged.
func OnCall(f func(Stats)) Option {
	return func(o *session.Options) {
		if o.OnCall = nil; f != nil {
			o.OnCall = func(s session.Stats) { f(statsOf(s)) }
		}
	}
}

// FlushOnSignal calls [Flush] when one of the signals comes. A signal that
// ends a program by default (interrupt, SIGTERM, SIGHUP, SIGQUIT and other
// aborts) is raised again afterwards, 10 seconds later at most, so that it still
// does, unless the program ignores it. Not for a signal that the program handles
// itself: it would see it twice, and one that shuts down gracefully, after
// signal.NotifyContext, would be ended by the second. Such a program calls
// [Flush] when it has shut down.
func FlushOnSignal(sigs ...os.Signal) Option {
	return func(o *session.Options) { o.Signals = append(o.Signals, sigs...) }
}

// Samples(false) leaves the process's CPU profiler to the program. States stay
// exact; on which functions the running time went is then only guessed, and
// the file says so.
func Samples(on bool) Option { return func(o *session.Options) { o.NoSamples = !on } }
