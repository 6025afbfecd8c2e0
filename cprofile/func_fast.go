package cprofile

import (
	"context"
	"io"
)

// wrapDirect wraps a function whose signature is in the list by a closure of
// that signature, and returns nil for any other.
//
// The list is of what programs have many of: conversions, parsers, hashes,
// jobs and handlers with a context, the shapes of io, json, sort and fmt. It
// does not try to be complete, which it can't be where a program's own types
// begin. Each case adds 1.8 KB to every program that calls Func: a matrix of
// fifty argument lists and a dozen results for each was tried, and was over a
// megabyte.
func wrapDirect(p *Profile, fn any) any {
	switch fn := fn.(type) {
	case func():
		return direct0x0(p, fn)
	case func() error:
		return direct0x1(p, fn)
	case func() bool:
		return direct0x1(p, fn)
	case func() int:
		return direct0x1(p, fn)
	case func() float64:
		return direct0x1(p, fn)
	case func() string:
		return direct0x1(p, fn)
	case func() (int, error):
		return direct0x2(p, fn)
	case func() (string, error):
		return direct0x2(p, fn)

	case func(int):
		return direct1x0(p, fn)
	case func(int) int:
		return direct1x1(p, fn)
	case func(int) error:
		return direct1x1(p, fn)
	case func(float64) float64:
		return direct1x1(p, fn)
	case func(string):
		return direct1x0(p, fn)
	case func(string) bool:
		return direct1x1(p, fn)
	case func(string) string:
		return direct1x1(p, fn)
	case func(string) error:
		return direct1x1(p, fn)
	case func(string) (string, error):
		return direct1x2(p, fn)
	case func(string) (string, bool):
		return direct1x2(p, fn)
	case func(string) ([]byte, error):
		return direct1x2(p, fn)
	case func([]byte) int:
		return direct1x1(p, fn)
	case func([]byte) []byte:
		return direct1x1(p, fn)
	case func([]byte) error:
		return direct1x1(p, fn)
	case func([]byte) (int, error):
		return direct1x2(p, fn)
	case func([]byte) ([]byte, error):
		return direct1x2(p, fn)
	case func(any) error:
		return direct1x1(p, fn)
	case func(context.Context):
		return direct1x0(p, fn)
	case func(context.Context) error:
		return direct1x1(p, fn)
	case func(context.Context) (string, error):
		return direct1x2(p, fn)

	case func(int, int) int:
		return direct2x1(p, fn)
	case func(float64, float64) float64:
		return direct2x1(p, fn)
	case func(string, string) bool:
		return direct2x1(p, fn)
	case func(string, string) string:
		return direct2x1(p, fn)
	case func(string, string) error:
		return direct2x1(p, fn)
	case func(string, []byte) error:
		return direct2x1(p, fn)
	case func(context.Context, string) error:
		return direct2x1(p, fn)
	case func(context.Context, string) (string, error):
		return direct2x2(p, fn)
	case func(io.Writer, io.Reader) (int64, error):
		return direct2x2(p, fn)

	// func(...T) is another type than func([]T): direct1x1 does not fit.
	case func(...any):
		return func(a ...any) {
			s := p.Start()
			defer s.Stop()
			fn(a...)
		}
	case func(...any) string:
		return func(a ...any) string {
			s := p.Start()
			defer s.Stop()
			return fn(a...)
		}
	case func(...int) int:
		return func(a ...int) int {
			s := p.Start()
			defer s.Stop()
			return fn(a...)
		}
	case func(...string) error:
		return func(a ...string) error {
			s := p.Start()
			defer s.Stop()
			return fn(a...)
		}
	case func(string, ...any):
		return func(format string, a ...any) {
			s := p.Start()
			defer s.Stop()
			fn(format, a...)
		}
	case func(string, ...any) string:
		return func(format string, a ...any) string {
			s := p.Start()
			defer s.Stop()
			return fn(format, a...)
		}
	case func(string, ...any) error:
		return func(format string, a ...any) error {
			s := p.Start()
			defer s.Stop()
			return fn(format, a...)
		}
	case func(context.Context, string, ...any) error:
		return func(ctx context.Context, format string, a ...any) error {
			s := p.Start()
			defer s.Stop()
			return fn(ctx, format, a...)
		}
	}
	return nil
}

// direct0x0 and the others are the closures: directNxM has N arguments and M
// results. The defer is what ends the scope on a panic and on runtime.Goexit
// too; that nothing recovers is what keeps the panic's value and stack.
func direct0x0(p *Profile, fn func()) func() {
	return func() {
		s := p.Start()
		defer s.Stop()
		fn()
	}
}

func direct0x1[R any](p *Profile, fn func() R) func() R {
	return func() R {
		s := p.Start()
		defer s.Stop()
		return fn()
	}
}

func direct0x2[R, S any](p *Profile, fn func() (R, S)) func() (R, S) {
	return func() (R, S) {
		s := p.Start()
		defer s.Stop()
		return fn()
	}
}

func direct1x0[A any](p *Profile, fn func(A)) func(A) {
	return func(a A) {
		s := p.Start()
		defer s.Stop()
		fn(a)
	}
}

func direct1x1[A, R any](p *Profile, fn func(A) R) func(A) R {
	return func(a A) R {
		s := p.Start()
		defer s.Stop()
		return fn(a)
	}
}

func direct1x2[A, R, S any](p *Profile, fn func(A) (R, S)) func(A) (R, S) {
	return func(a A) (R, S) {
		s := p.Start()
		defer s.Stop()
		return fn(a)
	}
}

func direct2x1[A, B, R any](p *Profile, fn func(A, B) R) func(A, B) R {
	return func(a A, b B) R {
		s := p.Start()
		defer s.Stop()
		return fn(a, b)
	}
}

func direct2x2[A, B, R, S any](p *Profile, fn func(A, B) (R, S)) func(A, B) (R, S) {
	return func(a A, b B) (R, S) {
		s := p.Start()
		defer s.Stop()
		return fn(a, b)
	}
}
