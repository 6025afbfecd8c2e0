package cprofile

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

// Func returns fn wrapped so that each call is one scope of the destination
// file: the decorator.
//
//	var expensive = cprofile.Func("expensive.prof", expensiveFunction)
//
//	func main() {
//		defer cprofile.Flush()
//		expensive(42)
//	}
//
// The result has fn's own type F and is called as fn is. fn can be any
// function: variadic, an instance of a generic one, a closure, a method value
// (db.Query) or a method expression ((*DB).Query), of a named type or held in
// an interface (http.Handler(http.HandlerFunc(f)) gives an http.Handler). It
// is a panic, here and not at the first call, if fn is nil or no function,
// whether profiling is enabled or not.
//
// Arguments and results pass through untouched. So does a panic, with its
// value and with the stack where it began, and so does [runtime.Goexit]; the
// scope ends all the same. A call's failure to write its file goes where
// [OnError] says, as the wrapped function has no result to return it by.
//
// The wrapper can be called by any number of goroutines at once. Func only
// wraps: what calls fn by its own name is not profiled. For a recursive
// function to profile its inner calls it has to call the variable, which Go
// then wants assigned in an init function (or main), not in the declaration:
//
//	var fib func(int) int
//
//	func init() { fib = cprofile.Func("fib.prof", fibonacci) }
//
// When profiling is disabled, by [Enabled](false) or by PROFSCOPE=off in the
// environment, Func returns fn itself and a call costs nothing more.
//
// # Cost
//
// Some forty-five signatures of predeclared types, context.Context,
// io.Reader and io.Writer, such as func(), func(int) int, func([]byte) error
// or func(context.Context, string) (string, error), are wrapped by a plain
// closure: a few nanoseconds above [Profile.Start] and [Scope.Stop], and no
// allocation. Any other function, and any of a named type, goes through
// [reflect.MakeFunc], which costs 300 to 900 nanoseconds more, and about an
// allocation for each argument and result.
//
// Where that is too much, for a hot function of types of your own, use a handle
// in the function, or in one of your own around it:
//
//	var parsing = cprofile.New("parse.prof")
//
//	func parse(doc *Document) (*Node, error) {
//		defer parsing.Start().Stop()
//		...
//	}
//
// This is why there is no family Func1, Func2, ... with a type parameter for
// each argument and result: a dozen names to save that line.
func Func[F any](file string, fn F, opts ...Option) F {
	// No closure may be made here: F is instantiated, and this function
	// inlined, in the caller's package, and a closure would take its name
	// from there, where the analysis does not know it for a wrapper.
	return decorate(file, fn, opts).(F)
}

// decorate is Func after the types: the result's dynamic type is fn's.
func decorate(file string, fn any, opts []Option) any {
	v := reflect.ValueOf(fn)
	if !v.IsValid() {
		panic(fmt.Sprintf("cprofile.Func(%q): fn is nil, want a function", file))
	}
	if v.Kind() != reflect.Func {
		panic(fmt.Sprintf("cprofile.Func(%q): fn is of type %s, want a function", file, v.Type()))
	}
	if v.IsNil() {
		panic(fmt.Sprintf("cprofile.Func(%q): fn is a nil %s", file, v.Type()))
	}
	// The scope is opened before fn runs: by itself it would be named after
	// the caller.
	name := strings.TrimSuffix(runtime.FuncForPC(v.Pointer()).Name(), "-fm")
	p := New(file, append([]Option{Name(name)}, opts...)...)
	if !p.enabled() {
		return fn
	}
	return wrap(p, fn)
}

// wrap returns fn, a function, with a scope of p around each call: a closure
// for a signature in the list of wrapDirect, otherwise by reflection. A named
// type goes there too: to look its signature up in the list would take
// reflect.FuncOf, 20 KB in every program.
func wrap(p *Profile, fn any) any {
	if w := wrapDirect(p, fn); w != nil {
		return w
	}
	return wrapReflect(p, reflect.ValueOf(fn))
}
