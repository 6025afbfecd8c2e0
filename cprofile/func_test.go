package cprofile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/profscope/profscope/internal/scratch"
)

type (
	document struct{ words []string }
	point    struct{ x, y, z float64 }
	large    struct {
		head string
		body [4096]byte
	}
	handler func(ctx context.Context, job string) error
	compare func(a, b *document) int
	shape   interface{ area() float64 }
	square  float64
	number  interface{ ~int | ~float64 }
)

func (s square) area() float64 { return float64(s * s) }

func (d *document) count() int                  { return len(d.words) }
func (d *document) add(words ...string) int     { d.words = append(d.words, words...); return len(d.words) }
func (d document) join(sep string) string       { return strings.Join(d.words, sep) }
func (h handler) serve(ctx context.Context) any { return h(ctx, "served") }

func sum[T number](xs ...T) (total T) {
	for _, x := range xs {
		total += x
	}
	return total
}

func swap[A, B any](a A, b B) (B, A) { return b, a }

func profileFile(t testing.TB) string { return filepath.Join(scratch.Folder(t), "func.prof") }

// calls returns how many calls of p have ended.
func calls(t testing.TB, p *Profile) int64 {
	t.Helper()
	if err := Flush(); err != nil {
		t.Errorf("Flush: %v", err)
	}
	return p.Stats().Calls
}

var signatures = []struct {
	why    string
	fn     any
	args   []any
	direct bool
}{
	{"nothing at all", func() {}, nil, true},
	{"an error", func() error { return io.EOF }, nil, true},
	{"a nil interface result", func() error { return nil }, nil, true},
	{"two results", func(s string) (string, bool) { return strings.CutPrefix(s, "a") }, []any{"ab"}, true},
	{"a function of the library", strings.ToUpper, []any{"x"}, true},
	{"a job", func(ctx context.Context) error { return ctx.Err() }, []any{context.Background()}, true},
	{"order of arguments of one type", func(a, b string) string { return a + b }, []any{"1", "2"}, true},
	{"three of one type", func(a, b, c string) error { return errors.New(a + b + c) }, []any{"1", "2", "3"}, false},
	{"a nil interface argument", func(v any) string { return fmt.Sprint(v) }, []any{nil}, false},
	{"a nil slice stays nil", func(b []byte) []byte { return b }, []any{[]byte(nil)}, true},
	{"io.Copy's", func(w io.Writer, r io.Reader) (int64, error) { return int64(r.(*strings.Reader).Len()), io.EOF }, []any{io.Discard, strings.NewReader("four")}, true},
	{"named, common underneath", handler(func(_ context.Context, job string) error { return errors.New(job) }), []any{context.Background(), "job"}, false},
	{"math", math.Pow, []any{2.0, 10.0}, true},

	{"own pointer type", func(d *document) *document { return d }, []any{&document{}}, false},
	{"named, own types", compare(func(a, b *document) int { return len(a.words) - len(b.words) }), []any{&document{[]string{"x"}}, &document{}}, false},
	{"large struct, by value both ways", func(l large) large { l.body[4095]++; return l }, []any{large{head: "h", body: [4096]byte{7}}}, false},
	{"array", func(a [3]int) [3]int { return [3]int{a[2], a[1], a[0]} }, []any{[3]int{1, 2, 3}}, false},
	{"empty struct", func(struct{}) struct{} { return struct{}{} }, []any{struct{}{}}, false},
	{"floats in a struct", func(p point) float64 { return p.x + p.y + p.z }, []any{point{1, 2, 4}}, false},
	{"unexported interface", func(s shape) shape { return s }, []any{square(3)}, false},
	{"unexported interface, nil", func(s shape) shape { return s }, []any{nil}, false},
	{"maps and channels", func(m map[string]int, c chan int) (int, int) { return len(m), cap(c) }, []any{map[string]int{"a": 1}, make(chan int, 3)}, false},
	{"complex", func(c complex128) (float64, float64) { return real(c), imag(c) }, []any{3 + 4i}, false},
	{"more arguments than registers", func(a, b, c, d, e, f, g, h, i, j, k, l int) []int {
		return []int{a, b, c, d, e, f, g, h, i, j, k, l}
	}, []any{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, false},
	{"many results", func() (int8, uint16, string, float32, []int, error) {
		return -1, 2, "3", 4, []int{5}, io.EOF
	}, nil, false},
	{"generic, one type", swap[int, string], []any{1, "a"}, false},
	{"generic, own type", swap[*document, point], []any{&document{}, point{1, 2, 3}}, false},
	{"method value", (&document{words: []string{"a"}}).count, nil, true},
	{"method value, value receiver", document{words: []string{"a", "b"}}.join, []any{"-"}, true},
	{"method expression", (*document).count, []any{&document{[]string{"a"}}}, false},
	{"method of an interface", shape.area, []any{square(3)}, false},
	{"method of a function type", handler.serve, []any{handler(func(context.Context, string) error { return nil }), context.Background()}, false},
}

// TestFuncSignatures calls every function of the table as it is and wrapped.
func TestFuncSignatures(t *testing.T) {
	p := New(profileFile(t))
	for i, test := range signatures {
		name := fmt.Sprintf("%s: %T", test.why, test.fn)
		plain := reflect.ValueOf(test.fn)
		wrapped := reflect.ValueOf(wrap(p, test.fn))
		if wrapped.Type() != plain.Type() {
			t.Errorf("%s: wrapped is of type %s", name, wrapped.Type())
			continue
		}
		got := results(wrapped.Call(arguments(plain.Type(), test.args)))
		want := results(plain.Call(arguments(plain.Type(), test.args)))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
		if n := calls(t, p); n != int64(i+1) {
			t.Errorf("%s: %d calls ended, want %d", name, n, i+1)
		}
		if direct := !reflected(wrapped); direct != test.direct {
			t.Errorf("%s: wrapped directly: %t, want %t", name, direct, test.direct)
		}
	}
}

// reflected tells whether a function's code is that of reflect.MakeFunc.
func reflected(fn reflect.Value) bool {
	return runtime.FuncForPC(fn.Pointer()).Name() == "reflect.makeFuncStub"
}

func arguments(t reflect.Type, args []any) []reflect.Value {
	in := make([]reflect.Value, len(args))
	for i, a := range args {
		in[i] = reflect.New(t.In(i)).Elem()
		if a != nil {
			in[i].Set(reflect.ValueOf(a))
		}
	}
	return in
}

func results(out []reflect.Value) []any {
	vs := make([]any, len(out))
	for i, v := range out {
		vs[i] = v.Interface()
	}
	return vs
}

// TestFuncTypes: what the compiler sees is what it saw before.
func TestFuncTypes(t *testing.T) {
	file := profileFile(t)
	var h handler = Func(file, handler(func(_ context.Context, job string) error { return errors.New(job) }))
	if got := h.serve(context.Background()); got.(error).Error() != "served" {
		t.Errorf("method of a wrapped named type: %v", got)
	}
	var c compare = Func(file, compare(func(a, b *document) int { return 7 }))
	if got := c(nil, nil); got != 7 {
		t.Errorf("named type by reflection: %d", got)
	}
	var v any = Func[any](file, func(n int) int { return n + 1 })
	if got := v.(func(int) int)(1); got != 2 {
		t.Errorf("held in any: %d", got)
	}
	type server interface{ serve(context.Context) any }
	var s server = Func[server](file, handler(func(context.Context, string) error { return io.EOF }))
	if got := s.serve(context.Background()); got != io.EOF {
		t.Errorf("held in an interface with methods: %v", got)
	}
	if got := Func(file, sum[float64])(0.5, 0.25); got != 0.75 {
		t.Errorf("generic: %v", got)
	}
	type alias = func(string) string
	if got := Func[alias](file, strings.ToLower)("X"); got != "x" {
		t.Errorf("alias: %q", got)
	}
}

func TestFuncMethodValue(t *testing.T) {
	d := &document{}
	add := Func(profileFile(t), d.add)
	add("a")
	if n := add("b", "c"); n != 3 || !slices.Equal(d.words, []string{"a", "b", "c"}) {
		t.Errorf("n = %d, words = %q: the receiver is another one", n, d.words)
	}
}

func TestFuncClosure(t *testing.T) {
	n := 0
	next := Func(profileFile(t), func() int { n++; return n })
	next()
	n = 10
	if got := next(); got != 11 {
		t.Errorf("got %d, want 11: the closure's variable is another one", got)
	}
}

func TestFuncRecursion(t *testing.T) {
	p := New(profileFile(t))
	var fib func(int) int
	fib = wrap(p, func(n int) int {
		if n < 2 {
			return n
		}
		return fib(n-1) + fib(n-2)
	}).(func(int) int)
	if got := fib(10); got != 55 {
		t.Errorf("fib(10) = %d", got)
	}
	if n := calls(t, p); n != 177 {
		t.Errorf("%d calls, want 177", n)
	}
}

// TestFuncVariadic: no argument is a nil slice, and a slice passed by s... is
// shared with the callee, whichever way the call goes.
func TestFuncVariadic(t *testing.T) {
	file := profileFile(t)
	var seen []int
	ints := Func(file, func(xs ...int) int { seen = xs; return len(xs) })
	var seenDocs []*document
	docs := Func(file, func(n int, ds ...*document) int { seenDocs = ds; return n + len(ds) })

	if ints(); seen != nil {
		t.Errorf("ints(): %v, want nil", seen)
	}
	if docs(1); seenDocs != nil {
		t.Errorf("docs(1): %v, want nil", seenDocs)
	}
	if got := ints(5); got != 1 || seen[0] != 5 {
		t.Errorf("ints(5): %d, %v", got, seen)
	}
	if got := docs(1, nil); got != 2 || seenDocs[0] != nil {
		t.Errorf("docs(1, nil): %d, %v", got, seenDocs)
	}
	if got := ints(1, 2, 3); got != 3 || !slices.Equal(seen, []int{1, 2, 3}) {
		t.Errorf("ints(1, 2, 3): %d, %v", got, seen)
	}
	s := make([]int, 2, 9)
	if ints(s...); &seen[0] != &s[0] || cap(seen) != 9 {
		t.Error("ints(s...): the slice was copied")
	}
	ds := make([]*document, 2, 9)
	if docs(0, ds...); &seenDocs[0] != &ds[0] || cap(seenDocs) != 9 {
		t.Error("docs(0, ds...): the slice was copied")
	}
	if got := Func(file, fmt.Sprintf)("%d-%s", 1, "a"); got != "1-a" {
		t.Errorf("Sprintf: %q", got)
	}
	if n, err := Func(file, fmt.Fprint)(io.Discard, "a", 1); n != 2 || err != nil {
		t.Errorf("Fprint: %d, %v", n, err)
	}
}

func TestFuncConcurrent(t *testing.T) {
	p := New(profileFile(t))
	double := wrap(p, func(n int) int { return 2 * n }).(func(int) int)
	move := wrap(p, func(q point, by float64) point { q.x += by; return q }).(func(point, float64) point)
	const goroutines, rounds = 8, 200
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range rounds {
				if n := double(i); n != 2*i {
					t.Errorf("double(%d) = %d", i, n)
				}
				if q := move(point{x: float64(g)}, float64(i)); q.x != float64(g+i) {
					t.Errorf("move(%d, %d) = %v", g, i, q)
				}
			}
		})
	}
	wg.Wait()
	if n := calls(t, p); n != 2*goroutines*rounds {
		t.Errorf("%d calls ended, want %d", n, 2*goroutines*rounds)
	}
}

// TestFuncDisabled: fn itself comes back, not something that calls it.
func TestFuncDisabled(t *testing.T) {
	fn := func(d *document) int { return len(d.words) }
	got := Func("never.prof", fn, Enabled(false))
	if reflect.ValueOf(got).Pointer() != reflect.ValueOf(fn).Pointer() {
		t.Error("a wrapper")
	}
}

func TestFuncRefuses(t *testing.T) {
	for _, test := range []struct {
		wrap func(opts ...Option)
		want string
	}{
		{func(o ...Option) { Func("x.prof", 42, o...) }, `cprofile.Func("x.prof"): fn is of type int, want a function`},
		{func(o ...Option) { Func("x.prof", document{}, o...) }, `cprofile.Func("x.prof"): fn is of type cprofile.document, want a function`},
		{func(o ...Option) { Func[any]("", nil, o...) }, `cprofile.Func(""): fn is nil, want a function`},
		{func(o ...Option) { Func[func()]("x.prof", nil, o...) }, `cprofile.Func("x.prof"): fn is a nil func()`},
		{func(o ...Option) { Func[handler]("x.prof", nil, o...) }, `cprofile.Func("x.prof"): fn is a nil cprofile.handler`},
		{func(o ...Option) { f := func() {}; Func("x.prof", &f, o...) }, `cprofile.Func("x.prof"): fn is of type *func(), want a function`},
	} {
		// A mistake in the program shows whether profiling is on or off.
		for _, on := range []bool{true, false} {
			func() {
				defer func() {
					if got := recover(); got != test.want {
						t.Errorf("Enabled(%t): panic %v, want %s", on, got, test.want)
					}
				}()
				test.wrap(Enabled(on))
			}()
		}
	}
}
