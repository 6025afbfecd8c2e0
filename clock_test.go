package profscope_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"strings"
	"testing"
)

// wallClock are the files that read the wall clock as a number. All else keeps
// time.Time, whose differences are those of the monotonic clock, or the runtime's
// own nanotime: the wall clock may be set while a scope is open or a program is
// recorded, forwards or backwards, and no length and no wait may tell.
var wallClock = map[string]string{
	"httpprofile/pprof.go":           "when a delta profile ended; its length is a difference of time.Time",
	"internal/convert/sidebyside.go": "traces of several processes are laid side by side by it",
	"internal/format/proto.go":       "when a profile began, as pprof has it",
	"internal/gotrace/file.go":       "when a trace began, for the timeline's clock",
	"internal/report/engine.go":      "when a destination's first scope began, for the profile; its length comes from the trace",
}

// TestNoLengthOfTheWallClock finds what takes the monotonic clock from a time.
func TestNoLengthOfTheWallClock(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "git", "ls-files", "*.go").Output()
	if err != nil {
		t.Skip("git does not list the files, run this in a clone of the repository:", err)
	}
	used := make(map[string]bool)
	for _, name := range strings.Fields(string(out)) {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "bench/") || strings.HasPrefix(name, "examples/") || strings.Contains(name, "testdata/") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || len(call.Args) > 0 {
				return true
			}
			switch method.Sel.Name {
			case "Unix", "UnixMilli", "UnixMicro", "UnixNano":
				if used[name] = true; wallClock[name] == "" {
					t.Errorf("%s: %s reads the wall clock: say in this test why no length comes of it", fset.Position(call.Pos()), method.Sel.Name)
				}
			}
			return true
		})
	}
	for name := range wallClock {
		if !used[name] {
			t.Errorf("%s does not read the wall clock: its row can go", name)
		}
	}
}
