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
