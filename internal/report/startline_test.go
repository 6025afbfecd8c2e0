package report

import (
	"go/ast"
	"go/parser"
	"go/token"
	"runtime"
	"strings"
	"testing"
)

// frames returns the frames of its callers up to the test, as the trace has
// them: with the address of each call.
//
//go:noinline
func frames() (fs []runtime.Frame) {
	pcs := make([]uintptr, 32)
	it := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := it.Next()
		if !strings.Contains(f.Function, "internal/report.") {
			return fs
		}
		fs = append(fs, f)
		if !more {
			return fs
		}
	}
}

// inlined and alsoInlined are small enough.
func inlined() []runtime.Frame { return frames() }

func alsoInlined(n int) []runtime.Frame {
	if n > 1 {
		return nil
	}
	return inlined()
}

//go:noinline
func called(n int) []runtime.Frame {
	_ = alsoInlined(n + 2)
	fs := alsoInlined(n)
	return fs
}

// TestStartLine finds the lines where functions begin, inlined ones too, in
// what the runtime keeps to itself, and compares with the source. It fails
// should the runtime's field go.
func TestStartLine(t *testing.T) {
	fs := called(1)
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "startline_test.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	lines := make(map[string]int64)
	for _, d := range file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			lines[fn.Name.Name] = int64(set.Position(fn.Type.Func).Line)
		}
	}
	seen := 0
	for _, f := range fs {
		name := f.Function[strings.LastIndexByte(f.Function, '.')+1:]
		want := lines[name]
		if want == 0 {
			t.Errorf("%s is not in the file", f.Function)
		}
		if got := startLine(uint64(f.PC), f.Function); got != want {
			t.Errorf("%s begins on line %d, want %d", f.Function, got, want)
		}
		seen++
	}
	if seen != 4 { // inlined, alsoInlined, called, the test
		t.Errorf("%d frames: %v", seen, fs)
	}
	if got := startLine(uint64(fs[0].PC), "no.such.function"); got != 0 {
		t.Errorf("an unknown function begins on line %d", got)
	}
}
