package cprofile

import (
	"context"
	"reflect"
	"testing"
)

// TestFuncAllocs compares a wrapper of a disabled handle, which is all that
// this file adds to the handle's own cost, with a bare MakeFunc.
func TestFuncAllocs(t *testing.T) {
	p := New("never.prof", Enabled(false))
	ctx := context.Background()
	xs := []int{1, 2, 3}
	f0 := wrap(p, func() {}).(func())
	f1 := wrap(p, func(n int) int { return n }).(func(int) int)
	f2 := wrap(p, func(context.Context, string) (string, error) { return "", nil }).(func(context.Context, string) (string, error))
	f3 := wrap(p, sum[int]).(func(...int) int)
	for name, call := range map[string]func(){
		"func()":        func() { f0() },
		"func(int) int": func() { f1(1 << 30) },
		"func(context.Context, string) (string, error)": func() { f2(ctx, "a") },
		"func(...int) int": func() { f3(xs...) },
	} {
		if n := testing.AllocsPerRun(100, call); n != 0 {
			t.Errorf("%s: %v allocations a call, want none", name, n)
		}
	}

	fn := func(q point, d *document, s string) (point, error) { return q, nil }
	bare := bareMakeFunc(fn)
	wrapped := wrap(p, fn).(func(point, *document, string) (point, error))
	want := testing.AllocsPerRun(100, func() { bare(point{}, nil, "a") })
	if n := testing.AllocsPerRun(100, func() { wrapped(point{}, nil, "a") }); n > want {
		t.Errorf("by reflection: %v allocations a call, want at most MakeFunc's own %v", n, want)
	}
}

// bareMakeFunc returns fn behind a MakeFunc that only calls it.
func bareMakeFunc[F any](fn F) F {
	v := reflect.ValueOf(fn)
	return reflect.MakeFunc(v.Type(), func(args []reflect.Value) []reflect.Value { return v.Call(args) }).Interface().(F)
}

// BenchmarkFunc has, for each signature, the function itself, a bare MakeFunc
// around it, and Func. The goals: 450 ns for direct wrappers, and 400 ns above
// the bare MakeFunc for the others.
func BenchmarkFunc(b *testing.B) {
	d := &document{}
	benchmarkFunc(b, "func()", func() {}, func(f func()) { f() })
	benchmarkFunc(b, "func(int)int", func(n int) int { return n }, func(f func(int) int) { f(1) })
	benchmarkFunc(b, "func(*T)error", func(*document) error { return nil }, func(f func(*document) error) { f(d) })
	benchmarkFunc(b, "func(I,*T)", func(shape, *document) {}, func(f func(shape, *document)) { f(square(1), d) })
	benchmarkFunc(b, "func(T,*T,string)(T,error)", func(q point, _ *document, _ string) (point, error) { return q, nil },
		func(f func(point, *document, string) (point, error)) { f(point{}, d, "a") })
}

func benchmarkFunc[F any](b *testing.B, name string, fn F, call func(F)) {
	file := profileFile(b)
	off := New("never.prof", Enabled(false))
	for _, way := range []struct {
		name string
		fn   F
	}{
		{"plain", fn},
		{"MakeFunc", bareMakeFunc(fn)},
		{"wrapper", wrap(off, fn).(F)}, // what Func adds to Start and Stop
		{"Func", Func(file, fn)},
	} {
		b.Run(name+"/"+way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call(way.fn)
			}
		})
	}
}

// BenchmarkFuncWrap is what Func itself takes, once for each function.
func BenchmarkFuncWrap(b *testing.B) {
	off := New("never.prof", Enabled(false))
	for name, fn := range map[string]any{
		"direct":     func(string) error { return nil },
		"reflection": func(*document) error { return nil },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				wrap(off, fn)
			}
		})
	}
}
