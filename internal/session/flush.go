package session

import (
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/profscope/profscope/internal/report"
)

var errBehind = errors.New("profscope: flush: the analysis is behind; the files hold what it knew")

// Flush writes everything recorded so far, open scopes too, and returns when
// it is durable. Scopes stay open, the recording goes on.
func Flush() error {
	if bubbled() {
		return errBubble
	}
	t := nanotime()
	var errs []error
	isLive := live()
	if isLive && word.Load()&openMask == 0 {
		// Not finish: it would write too, and each destination is to be tried
		// once.
		rec.end()
		isLive = live()
	}
	if isLive && !rec.catchUp() {
		errs = append(errs, errBehind)
	}
	if !isLive {
		rec.settled()
	}
	e := theEngine()
	var news []func()
	all := e.All()
	for i, err := range e.WriteAll(all, report.Attempt{OpenToo: isLive, Final: !isLive, All: true}) {
		if err != nil {
			news = append(news, all[i].Telling(err, nil, logError)) // a new attempt
			errs = append(errs, err)
		}
	}
	rec.ends.spend(t)
	for _, tell := range news {
		tell()
	}
	e.Delivered(time.Second)
	return errors.Join(errs...)
}

// Settle waits until OnCall functions have been given all calls that have
// ended, at most about d.
func Settle(d time.Duration) {
	until := nanotime() + int64(d)
	if live() {
		rec.caughtUp(until)
	} else if rec.lock(until) {
		rec.mu.Unlock()
	}
	theEngine().Delivered(time.Duration(until - nanotime()))
}

var flushSignals struct {
	mu   sync.Mutex
	seen map[os.Signal]bool
}

// endsProgram tells signals that end a program which does not handle them; see
// os/signal. Those that are left do nothing then.
func endsProgram(s os.Signal) bool {
	switch s {
	case syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGILL, syscall.SIGTRAP:
		return true
	}
	return false
}

// lastFlush is how long a signal that ends the program may be held up.
const lastFlush = 10 * time.Second

// raised is how long a signal that was raised again has to end the program.
const raised = 100 * time.Millisecond

// flushOn flushes when one of the signals comes. A signal that ends a program
// is raised again afterwards, so that it still does; where the program handles
// it and goes on, the next one flushes too.
func flushOn(sigs []os.Signal) {
	flushSignals.mu.Lock()
	defer flushSignals.mu.Unlock()
	for _, s := range sigs {
		if flushSignals.seen[s] {
			continue
		}
		if flushSignals.seen == nil {
			flushSignals.seen = make(map[os.Signal]bool)
		}
		flushSignals.seen[s] = true
		raise := endsProgram(s) && !signal.Ignored(s)
		c := make(chan os.Signal, 1)
		signal.Notify(c, s)
		go func() {
			for range c {
				flushed := make(chan struct{})
				go func() {
					defer close(flushed)
					if err := Flush(); errors.Is(err, errBehind) { // the others have been told
						logError(errBehind)
					}
				}()
				if !raise {
					<-flushed
					continue
				}
				select {
				case <-flushed:
				case <-time.After(lastFlush): // somebody who sends signals has no more patience
				}
				signal.Stop(c)
				if p, err := os.FindProcess(os.Getpid()); err == nil {
					_ = p.Signal(s)
				}
				time.Sleep(raised)
				signal.Notify(c, s)
			}
		}()
	}
}
