package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/profscope/profscope/internal/convert"
)

// open reads all files, folders' too, and tells on stderr what is wrong with
// those that can be read all the same.
func (a *app) open(ctx context.Context, names []string, o convert.Options) ([]*convert.Input, error) {
	return a.openUnless(ctx, names, o, func(err error) error { return err })
}

// openGood is open for verbs that tell of each file by itself: what is wrong
// with those that cannot be read is told on stderr, and failed is then the end
// of the verb, after all that it can tell; err is its end at once.
func (a *app) openGood(ctx context.Context, names []string, o convert.Options) (ins []*convert.Input, failed, err error) {
	ins, err = a.openUnless(ctx, names, o, func(err error) error {
		if ctx.Err() != nil {
			return err
		}
		complain(a.stderr, err)
		failed = exitCode(exitFailed)
		return nil
	})
	if err == nil && len(ins) == 0 {
		err = failed
	}
	return ins, failed, err
}

// openUnless opens files, and asks bad whether one that cannot be read is an
// error for the verb too.
func (a *app) openUnless(ctx context.Context, names []string, o convert.Options, bad func(error) error) ([]*convert.Input, error) {
	files, err := convert.Files(names)
	if err != nil {
		return nil, err
	}
	done := a.prepare(ctx, &o, files)
	defer done()
	var ins []*convert.Input
	for _, f := range files {
		in, err := convert.Open(f, o)
		done()
		if err != nil {
			if err := bad(err); err != nil {
				return nil, err
			}
			continue
		}
		for _, w := range in.Warnings {
			fmt.Fprintf(a.stderr, "profscope: %s: %s\n", f, w)
		}
		ins = append(ins, in)
	}
	return ins, nil
}

// prepare lets the files of those names be read with a progress bar, which done takes away, and
// until ctx ends. What is made of them is written until then, too.
func (a *app) prepare(ctx context.Context, o *convert.Options, names []string) (done func()) {
	o.Stdin = a.stdin
	o.Until = ctx
	a.endWith(ctx)
	a.inputs = append(a.inputs, names...)
	bar := &progress{w: a.stderr, on: isTerminal(a.stderr)}
	o.Watch = bar.watch
	return bar.done
}

// progress shows a bar for what takes longer than a second. The bar counts from
// the begin on, so that its rate is right, and is not seen until then.
type progress struct {
	w     io.Writer
	on    bool
	bar   *progressbar.ProgressBar
	since time.Time
	shown bool
}

// patience is for how long nobody asks how long it will take.
const patience = time.Second

func (p *progress) watch(r io.Reader, name string, size int64) io.Reader {
	if !p.on {
		return r
	}
	p.since, p.shown = time.Now(), false
	p.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(late{p}), progressbar.OptionShowBytes(true), progressbar.OptionShowTotalBytes(true),
		progressbar.OptionSetDescription(shownInput(name)), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(24), progressbar.OptionUseANSICodes(true), progressbar.OptionShowCount(),
		progressbar.OptionSetSpinnerChangeInterval(0)) // a spinner would write from a goroutine of its own
	bar := p.bar
	return readerFunc(func(b []byte) (int, error) {
		n, err := r.Read(b)
		_ = bar.Add(n)
		return n, err
	})
}

func (p *progress) done() {
	if p.bar != nil && p.shown {
		_ = p.bar.Clear()
	}
	p.bar = nil
}

// late writes nothing for a while.
type late struct{ p *progress }

func (l late) Write(b []byte) (int, error) {
	if !l.p.shown && time.Since(l.p.since) < patience {
		return len(b), nil
	}
	l.p.shown = true
	return l.p.w.Write(b)
}

// source is the name at which a command finds the input again, "" if nothing
// does.
func source(in *convert.Input) string {
	if in.Name == "-" {
		return ""
	}
	return in.Name
}

func shownInput(name string) string {
	if name == "-" {
		return "standard input"
	}
	return filepath.Base(name)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// terminal returns the width of stdout, 0 if it is none, and whether it shows
// colours.
func (a *app) terminal() (width int, color bool) {
	f, ok := a.stdout.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	return width, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
