package cprofile

import "reflect"

// wrapReflect wraps a function of any signature. What is done per call is
// decided here, once, and a call makes no garbage beyond that of MakeFunc and
// Call themselves.
//
// The road not taken: two functions whose arguments are words of the same
// kinds (a pointer is a pointer, whatever it points to) are called the same
// way, so a handful of closures converted by unsafe would serve nearly every
// signature without reflection. It works with today's compilers and nothing
// promises that it will with the next.
func wrapReflect(p *Profile, fn reflect.Value) any {
	// MakeFunc hands over the arguments of a variadic function as its
	// parameters are: the last one is the slice. CallSlice passes it on
	// as it is, so f(s...) still shares s, and f() still gets nil.
	call := fn.Call
	if fn.Type().IsVariadic() {
		call = fn.CallSlice
	}
	return reflect.MakeFunc(fn.Type(), func(args []reflect.Value) []reflect.Value {
		s := p.Start()
		defer s.Stop()
		return call(args)
	}).Interface()
}

// maxDirectIn and maxDirectOut bound the signatures of wrapDirect; a test
// holds them. No larger one is worth making an unnamed type for, which the
// runtime keeps for ever.
const (
	maxDirectIn  = 3
	maxDirectOut = 2
)

// unnamed returns fn as a value of the unnamed type under its named type; ok
// is false if the type has no name or is too large for wrapDirect.
func unnamed(fn reflect.Value) (plain any, ok bool) {
	t := fn.Type()
	if t.Name() == "" || t.NumIn() > maxDirectIn || t.NumOut() > maxDirectOut {
		return nil, false
	}
	var in, out []reflect.Type
	for p := range t.Ins() {
		in = append(in, p)
	}
	for r := range t.Outs() {
		out = append(out, r)
	}
	return fn.Convert(reflect.FuncOf(in, out, t.IsVariadic())).Interface(), true
}
