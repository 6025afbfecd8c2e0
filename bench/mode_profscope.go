package main

import (
	stdcontext "context"
	"fmt"
	"path/filepath"
	"reflect"

	"github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

// All that the benchmarks use of the product is in this file, loops over its
// calls too: a call through an interface, or one that cannot be inlined, would
// be a good part of a few nanoseconds.

func startProfscope(dir string) (func() (string, error), error) {
	return startScope(filepath.Join(dir, "profscope.prof"))
}

func startScope(file string) (func() (string, error), error) {
	stop := context.Start(file)
	return func() (string, error) { return file, stop() }, nil
}

func flush() error { return cprofile.Flush() }

// A handle is a hot function's profile.
type handle struct{ p *cprofile.Profile }

func newHandle(file string, enabled bool) handle {
	return handle{cprofile.New(file, cprofile.Enabled(enabled))}
}

// pairs starts and stops n times.
func (h handle) pairs(n int) (err error) {
	for range n {
		if e := h.p.Start().Stop(); e != nil {
			err = e
		}
	}
	return err
}

// call runs f inside, the way a hot function is written.
func (h handle) call(f func()) {
	defer h.p.Start().Stop()
	f()
}

// open leaves the end to the caller, who times it.
func (h handle) open() (stop func() error) { return h.p.Start().Stop }

// A signature is a function type to wrap. calls runs the wrapped function n
// times; bare runs what the goal is measured from: nothing for a signature
// that has a path of its own, and a bare reflect.MakeFunc for any other.
type signature struct {
	name        string
	common      bool
	calls, bare func(n int)
}

// signatures returns the wrapped functions of the scenario func, all profiled
// into files in dir.
func signatures(dir string) []signature {
	file := func(i int) string { return filepath.Join(dir, fmt.Sprintf("func%d.prof", i)) }
	ctx := stdcontext.Background()

	f0 := cprofile.Func(file(0), func() {})
	f1 := cprofile.Func(file(1), func() error { return nil })
	f2 := cprofile.Func(file(2), func(stdcontext.Context) error { return nil })
	f3 := cprofile.Func(file(3), func(int) int { return 0 })

	three := func(a int, b string, c float64) (int, error) { return a, nil }
	f4 := cprofile.Func(file(4), three)
	b4 := bareMakeFunc(three)
	variadic := func(format string, args ...any) int { return len(args) }
	f5 := cprofile.Func(file(5), variadic)
	b5 := bareMakeFunc(variadic)

	nothing := func(int) {}
	return []signature{
		{"func()", true, func(n int) { times(n, f0) }, nothing},
		{"func() error", true, func(n int) { times(n, func() { f1() }) }, nothing},
		{"func(context.Context) error", true, func(n int) { times(n, func() { f2(ctx) }) }, nothing},
		{"func(int) int", true, func(n int) { times(n, func() { f3(1) }) }, nothing},
		{"func(int, string, float64) (int, error)", false,
			func(n int) { times(n, func() { f4(1, "b", 3) }) },
			func(n int) { times(n, func() { b4(1, "b", 3) }) }},
		{"func(string, ...any) int", false,
			func(n int) { times(n, func() { f5("%d", 1) }) },
			func(n int) { times(n, func() { b5("%d", 1) }) }},
	}
}

func times(n int, f func()) {
	for range n {
		f()
	}
}

// bareMakeFunc wraps fn by reflection and adds nothing.
func bareMakeFunc[F any](fn F) F {
	v := reflect.ValueOf(fn)
	call := v.Call
	if v.Type().IsVariadic() {
		call = v.CallSlice
	}
	return reflect.MakeFunc(v.Type(), func(args []reflect.Value) []reflect.Value { return call(args) }).Interface().(F)
}
