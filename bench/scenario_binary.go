package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

var binaryScenario = scenario{
	name:  "binary",
	title: "Size of a program",
	about: "A program that prints one line, built with -trimpath -ldflags='-s -w', and what one profiler adds to it.",
	once:  true,
	drive: driveBinary,
}

// minimal are whole programs. They are built as files given to go build at the
// root of this module, so that its requirements resolve their imports.
var minimal = []struct{ name, imports, body string }{
	{modeNone, "", ""},
	{"profscope, context.Start", `profctx "github.com/profscope/profscope/context"`, `defer profctx.Start("x.prof")()`},
	{"profscope, cprofile.Func", `"github.com/profscope/profscope/cprofile"`, `cprofile.Func("x.prof", func() {})()`},
	{"pprof", `"runtime/pprof"`, `pprof.StartCPUProfile(os.Stdout); defer pprof.StopCPUProfile()`},
	{"trace", `"runtime/trace"`, `trace.Start(os.Stdout); defer trace.Stop()`},
	{"fgprof", `"github.com/felixge/fgprof"`, `defer fgprof.Start(os.Stdout, fgprof.FormatPprof)()`},
	{"pkg/profile", `"github.com/pkg/profile"`, `defer profile.Start().Stop()`},
}

func driveBinary(ctx context.Context, l *lab) ([]table, error) {
	dir, err := os.MkdirTemp(l.dir, "binary-")
	if err != nil {
		return nil, err
	}
	t := table{columns: []string{"program with", "MB", "added, MB", "goal", "verdict"}}
	var bare float64
	for _, m := range minimal {
		fmt.Fprintln(l.progress, "binary:", m.name)
		main := filepath.Join(dir, "main.go")
		text := fmt.Sprintf("package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t%s\n)\n\nfunc main() {\n\t%s\n\tfmt.Fprintln(os.Stdout, \"hello\")\n}\n",
			m.imports, m.body)
		if err := os.WriteFile(main, []byte(text), 0o644); err != nil {
			return nil, err
		}
		bin := filepath.Join(dir, "minimal")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, main)
		if out, err := build.CombinedOutput(); err != nil {
			err = fmt.Errorf("build the program with %s (run from the root of the module): %w: %s", m.name, err, out)
			l.failures = append(l.failures, err)
			t.add(m.name, "failed", "", "", "")
			continue
		}
		info, err := os.Stat(bin)
		if err != nil {
			return nil, err
		}
		mb := float64(info.Size()) / 1e6
		if m.imports == "" {
			bare = mb
			t.add(m.name, fmt.Sprintf("%.2f", mb), "", "", "")
			continue
		}
		goal, verdict := "", ""
		if m.name == "profscope, context.Start" || m.name == "profscope, cprofile.Func" {
			goal, verdict = "<= 2.5", "missed"
			if mb-bare <= 2.5 {
				verdict = "met"
			}
		}
		t.add(m.name, fmt.Sprintf("%.2f", mb), fmt.Sprintf("%.2f", mb-bare), goal, verdict)
	}
	return []table{t}, nil
}
