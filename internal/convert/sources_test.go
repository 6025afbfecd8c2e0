package convert

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/profscope/profscope/internal/ledger"
)

// TestStartLines: where a function begins is found by a line inside and its
// name, and is not known where the file says something else.
func TestStartLines(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "shop.go")
	if err := os.WriteFile(name, []byte(`package shop

import _ "unsafe"

// Get is
// documented.
func Get[T any](v T) T {
	f := func() T {
		return func() T {
			return v
		}()
	}
	return f()
}

type S struct{}

func (s *S) Put() {
	println()
}

//go:linkname sleepNow time.Sleep
func sleepNow() {
	println()
}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	begins := StartLines()
	for _, tt := range []struct {
		fn   string
		line int64
		want int64
		why  string
	}{
		{"example.com/a/shop.Get[...]", 13, 7, "after a literal in it, not at its comment"},
		{"example.com/a/shop.Get[example.com/b.T]", 8, 7, "at the begin of a literal in it"},
		{"example.com/a/shop.Get[...].func1", 9, 8, "at the begin of another literal in it"},
		{"example.com/a/shop.Get[...].func1.1", 10, 9, "the inner literal"},
		{"example.com/a/shop.(*S).Put", 19, 18, "a method"},
		{"example.com/a/shop.(*S).Put-fm", 19, 18, "a method value"},
		{"time.Sleep", 24, 23, "by its linked name"},
		{"example.com/a/shop.Other", 19, 0, "the file is another by now"},
		{"example.com/a/shop.Get[...]", 16, 0, "between functions"},
		{"example.com/a/shop.Get[...]", 99, 0, "after its end"},
	} {
		got := begins(ledger.Frame{Func: tt.fn, File: name, Line: tt.line})
		if got != tt.want {
			t.Errorf("%s at line %d: %d, want %d: %s", tt.fn, tt.line, got, tt.want, tt.why)
		}
	}
	for _, file := range []string{"", "shop.go", t.TempDir(), "/dev/zero", filepath.Join(t.TempDir(), "missing.go")} {
		if got := begins(ledger.Frame{Func: "shop.Get", File: file, Line: 8}); got != 0 {
			t.Errorf("%q: %d", file, got)
		}
	}
}
