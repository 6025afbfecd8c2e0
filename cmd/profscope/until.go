package main

import (
	"context"
	"io"
	"os/signal"
)

// onceMore lets the second signal end the program at once: it does not wait for
// a verb that computes, or that writes to who does not read.
func onceMore(ctx context.Context) { context.AfterFunc(ctx, atOnce) }

// atOnce lets the next signal end the program. It is for verbs that ask another
// process, which does not care who waits for its answer.
func atOnce() { signal.Reset(endings...) }

// endWith is for verbs that an interrupt ends, with nothing said or written but
// that.
func (a *app) endWith(ctx context.Context) {
	a.until = ctx
	onceMore(ctx)
}

// until lets encode write until ctx ends. Whatever encode makes of that is an
// error, then.
func until(ctx context.Context, encode func(io.Writer) error) func(io.Writer) error {
	return func(w io.Writer) error {
		err := encode(writerFunc(func(p []byte) (int, error) {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			return w.Write(p)
		}))
		if e := ctx.Err(); e != nil {
			return e
		}
		return err
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
