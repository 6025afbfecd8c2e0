package cprofile_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/internal/scratch"
)

// seen are the names of the functions on the stack, callee first, when the
// last of the functions below was called.
var seen []string

func look() {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	seen = nil
	for {
		f, more := frames.Next()
		seen = append(seen, f.Function)
		if !more {
			return
		}
	}
}

type (
	item  struct{}
	items func(context.Context) error
)

func lookPlain()                             { look() }
func lookInt(n int) int                      { look(); return n }
func lookWords(words ...string) error        { look(); return nil }
func lookItem(*item) *item                   { look(); return nil }
func lookItems(n int, _ ...*item)            { look() }
func lookNamed(ctx context.Context) error    { look(); return nil }
func lookGeneric[T any](v T) (_ T, ok error) { look(); return }
func (*item) pointer()                       { look() }
func (item) value(*item)                     { look() }

// TestFuncFrames: between the caller and the function that the user wrote
// there are wrappers only, and each is known for one by the prefixes that the
// analysis strips. In a package of its own, so that its functions are not
// taken for profscope's.
func TestFuncFrames(t *testing.T) {
	const here = "github.com/profscope/profscope/cprofile_test."
	file := scratch.Folder(t) + "/frames.prof"
	var recursive func(int)
	recursive = cprofile.Func(file, func(n int) {
		if n > 0 {
			recursive(n - 1)
			return
		}
		look()
	})
	for _, test := range []struct {
		name string // of the user's function
		call func()
	}{
		{"lookPlain", cprofile.Func(file, lookPlain)},
		{"lookInt", func() { cprofile.Func(file, lookInt)(1) }},
		{"lookWords", func() { cprofile.Func(file, lookWords)("a", "b") }},
		{"lookItem", func() { cprofile.Func(file, lookItem)(nil) }},
		{"lookItems", func() { cprofile.Func(file, lookItems)(1, nil, nil) }},
		{"lookNamed", func() { cprofile.Func(file, items(lookNamed))(context.Background()) }},
		{"lookGeneric[...]", func() { cprofile.Func(file, lookGeneric[int])(1) }},
		{"lookGeneric[...]", func() { cprofile.Func(file, lookGeneric[*item])(nil) }},
		{"(*item).pointer", cprofile.Func(file, new(item).pointer)},
		{"item.value", func() { cprofile.Func(file, new(item).value)(nil) }},
		{"(*item).pointer", func() { cprofile.Func(file, (*item).pointer)(nil) }},
		{"TestFuncFrames.func1", func() { recursive(1) }},
	} {
		test.call()
		if seen[0] != here+test.name {
			t.Errorf("%s: called as %s", test.name, seen[0])
		}
		end := slices.IndexFunc(seen[1:], func(f string) bool { return strings.HasPrefix(f, here) })
		if end < 1 {
			t.Errorf("%s: no wrapper: %q", test.name, seen)
			continue
		}
		between := seen[1 : 1+end]
		t.Logf("%s: %s", test.name, strings.Join(between, ", "))
		for _, f := range between {
			if !strings.HasPrefix(f, "github.com/profscope/profscope/cprofile.") && !strings.HasPrefix(f, "reflect.") {
				t.Errorf("%s: %s looks like the user's", test.name, f)
			}
		}
	}
}
