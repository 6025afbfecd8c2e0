package launch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrPlatform is the error on systems where programs cannot be launched.
var ErrPlatform = errors.New("programs are recorded from outside on Linux and macOS: elsewhere, link package cprofile or httpprofile")

// UsageError is a command line that cannot be carried out, found before
// anything was started.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Result is what became of a run.
type Result struct {
	Code  int // the program's own
	Files []Written
	Built bool // there was no program to run, but one to build
}

// launcher is one run.
type launcher struct {
	o   *Options
	s   *session
	dir string
	rec *listener // for recorders
	env []string  // of the go command

	greeting sync.WaitGroup // recorders that have connected and not said who they are
}

// Run starts the command, records it, and returns when it has ended and its
// files are durable. The error is about the recording; the program's failure
// is Result.Code. ctx ends what comes before the program's start, and no more:
// signals are the program's.
func Run(ctx context.Context, argv []string, o Options) (res Result, err error) {
	if err := supported(); err != nil {
		return res, &UsageError{err}
	}
	if err := o.check(); err != nil {
		return res, &UsageError{err}
	}
	if _, ok := o.Stderr.(*os.File); !ok {
		o.Stderr = &locked{w: o.Stderr} // go run and the program write to it
	}
	l := &launcher{o: &o, s: newSession(&o)}
	if l.dir, err = newFolder(); err != nil {
		return res, err
	}
	defer os.RemoveAll(l.dir)
	if l.rec, err = listen(filepath.Join(l.dir, "rec"), func() { l.greeting.Add(1) }, l.receive); err != nil {
		return res, fmt.Errorf("socket for the program: %w", err)
	}
	defer l.rec.end()
	l.s.expired = func(p *process) {
		if o.Kill != "none" {
			p.end(o.Kill)
		}
	}
	if isGo(argv) {
		return l.goTool(ctx, argv)
	}
	if err := CheckPlace(o.Output, o.Modes...); err != nil {
		return res, &UsageError{err}
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return res, &UsageError{err}
	}
	if err := checkBinary(path, o.Children); err != nil {
		return res, &UsageError{err}
	}
	return l.program(&exec.Cmd{Path: path, Args: argv})
}

// receive serves a recorder.
func (l *launcher) receive(c *net.UnixConn) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	p, in, err := greet(c)
	if err == nil {
		_ = c.SetReadDeadline(time.Time{})
		l.s.join(p)
	}
	l.greeting.Done()
	if err != nil {
		return
	}
	p.take(in)
}

// goTool builds with the recorder in.
func (l *launcher) goTool(ctx context.Context, argv []string) (res Result, err error) {
	g, err := parseGo(argv)
	if err != nil {
		return res, &UsageError{err}
	}
	if g.verb != "build" { // that one writes nothing of ours
		if err := CheckPlace(l.o.Output, l.o.Modes...); err != nil {
			return res, &UsageError{err}
		}
	}
	if g.verb == "test" {
		if g.named["trace"] {
			return res, &UsageError{errors.New("go test -trace and this recording both want the execution tracer: leave one out (-o NAME.trace is the same file)")}
		}
		if g.named["cpuprofile"] && !l.o.NoSample {
			l.o.NoSample = true
			fmt.Fprintln(l.o.Say, "profscope: the CPU profiler is left to go test -cpuprofile, whose samples are used")
		}
	}
	over, err := g.newOverlay(ctx, l.dir)
	if err != nil {
		if errors.Is(err, ErrCommand) {
			err = &UsageError{err}
		}
		return res, err
	}
	l.env = append(os.Environ(), g.more...)
	flags := []string{"-overlay=" + over.file}
	var files []string
	if g.filesLast() {
		files = over.added
	}
	switch g.verb {
	case "run":
		return l.goRun(ctx, g, flags, files)
	case "test":
		if !g.named["count"] && !g.named["test.count"] {
			flags = append(flags, "-count=1") // a cached result would run nothing
		}
	}
	if g.exec != "" {
		flags = append(flags, "-exec="+g.exec)
	}
	full := g.argv(files, flags...)
	path, err := exec.LookPath(full[0])
	if err != nil {
		return res, &UsageError{err}
	}
	cmd := &exec.Cmd{Path: path, Args: full, Env: l.env}
	if g.verb == "test" {
		return l.program(cmd)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = l.o.Stdin, l.o.Stdout, l.o.Stderr
	if err := cmd.Start(); err != nil {
		return res, err
	}
	unforward := forward(cmd.Process, nil)
	defer unforward()
	if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
		return res, err
	}
	return Result{Code: exitCode(cmd.ProcessState), Built: true}, nil
}

// goRun has the go command build, and hand over.
func (l *launcher) goRun(ctx context.Context, g *goCommand, flags, files []string) (res Result, err error) {
	socket := filepath.Join(l.dir, "run")
	got := make(chan handoff, 1)
	held := make(chan struct{})
	hand, err := listen(socket, nil, func(c *net.UnixConn) {
		var h handoff
		if json.NewDecoder(c).Decode(&h) == nil && len(h.Argv) > 0 {
			got <- h
			<-held
		}
	})
	if err != nil {
		return res, fmt.Errorf("socket for go run: %w", err)
	}
	defer hand.end()
	flags = append(flags, "-exec="+quoted(l.o.Self)+" "+HandoffVerb+" "+quoted(socket))
	full := g.argv(files, flags...)
	build := exec.CommandContext(ctx, full[0], full[1:]...)
	build.Env = l.env
	build.Stdout, build.Stderr = l.o.Stderr, l.o.Stderr // it prints nothing of the program's
	if err := build.Start(); err != nil {
		return res, &UsageError{err}
	}
	ended := make(chan error, 1)
	go func() { ended <- build.Wait() }()
	defer func() {
		close(held)
		<-ended
	}()
	select {
	case err := <-ended:
		ended <- err
		if build.ProcessState.Success() {
			return res, errors.New("go run ended without a program")
		}
		return Result{Code: exitCode(build.ProcessState), Built: true}, nil
	case h := <-got:
		argv := h.Argv
		if g.exec != "" {
			around, err := fields(g.exec)
			if err != nil {
				return res, &UsageError{fmt.Errorf("-exec %s: %w", g.exec, err)}
			}
			argv = append(around, argv...)
		}
		path, err := exec.LookPath(argv[0])
		if err != nil {
			return res, &UsageError{err}
		}
		cmd := &exec.Cmd{Path: path, Args: argv}
		if here, err := os.Getwd(); err != nil || here != h.Dir {
			cmd.Dir = h.Dir
		}
		return l.program(cmd)
	}
}

// program runs the command, with a session around it.
//
//  1. The child has our standard streams, environment and process group.
//  2. Operators find the session under its process id.
//  3. When it has ended, so have its recordings, and, if all are waited for,
//     those of what it started.
func (l *launcher) program(cmd *exec.Cmd) (res Result, err error) {
	o, s := l.o, l.s
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(append(slices.Clone(cmd.Env), o.Env...), o.variable(l.rec.path))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = o.Stdin, o.Stdout, o.Stderr
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			err = &UsageError{err}
		}
		return res, err
	}
	s.mu.Lock()
	s.primary = cmd.Process.Pid
	s.mu.Unlock()
	var toggle func()
	if o.Range == "signal" {
		toggle = s.toggle
	}
	unforward := forward(cmd.Process, toggle)
	defer unforward()
	name := o.Session
	if name == "" {
		name = "profile-" + strconv.Itoa(cmd.Process.Pid)
	}
	ctl, ctlErr := s.control(name)
	if ctlErr != nil {
		fmt.Fprintf(o.Say, "profscope: the session cannot be steered: %v\n", ctlErr)
	} else {
		defer ctl.end()
	}
	err = cmd.Wait()
	s.state = cmd.ProcessState
	close(s.ended)
	if err != nil && cmd.ProcessState == nil {
		return res, err
	}
	if o.Ended != nil {
		o.Ended()
	}
	l.settle(cmd.Process.Pid)
	s.awaitFiles()
	s.mu.Lock()
	defer s.mu.Unlock()
	res = Result{Code: exitCode(cmd.ProcessState), Files: s.files}
	switch why := o.unbegun(); {
	case len(s.processes) == 0:
		s.errs = append(s.errs, fmt.Errorf("%s: %w: it ended before its first line, or does not run what was built", strings.Join(cmd.Args, " "), errNothing))
	case why != "" && !slices.ContainsFunc(s.processes, func(p *process) bool { return len(p.recordings()) > 0 }):
		fmt.Fprintf(o.Say, "profscope: %v: %s\n", errNothing, why) // no error: it is what was asked for
	}
	return res, errors.Join(s.errs...)
}

// settle waits until what the recorders sent is taken in.
func (l *launcher) settle(child int) {
	l.rec.closeAfterAll()
	l.greeting.Wait()
	for _, p := range l.s.alive() {
		if l.o.WaitAll || p.pid == child {
			<-p.gone
		}
	}
	if len(l.s.alive()) > 0 {
		_, _ = l.s.stop(false) // its errors are among the session's
	}
}

// locked is a writer for several.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
