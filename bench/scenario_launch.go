package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

var launchScenario = scenario{
	name:  "launch",
	title: "What the launcher adds to a program's start and end",
	about: "A program that prints a line, by `go run` with a warm cache and as a binary, alone and under " +
		"`profscope profile`: seconds of the wall clock of the whole command, analysis and file included.",
	drive: driveLaunch,
	work:  func(s spec) (reading, error) { return runCommand(s.Args) },
}

// launchSeconds is the goal of the issue that asked for the launcher.
const launchSeconds = 1.2

func driveLaunch(ctx context.Context, l *lab) ([]table, error) {
	dir, err := os.MkdirTemp(l.dir, "launch-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	exe, hello, out := filepath.Join(dir, "profscope.exe"), filepath.Join(dir, "hello.exe"), filepath.Join(dir, "x.prof")
	for name, text := range map[string]string{
		"go.mod":  "module example.test/hello\n",
		"main.go": "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	goRun := []string{"go", "run", "-C", dir, "."}
	launched := func(argv ...string) []string { return append([]string{exe, "profile", "-f", "-o", out}, argv...) }
	for _, argv := range [][]string{
		{"go", "build", "-o", exe, "./cmd/profscope"},
		launched("go", "build", "-C", dir, "-o", hello, "."),
		goRun, launched(goRun...), // warms the cache
	} {
		if said, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%v (run from the root of the module): %w: %s", argv, err, said)
		}
	}
	if _, err := os.Stat(out); err != nil {
		return nil, fmt.Errorf("the launcher has written nothing: %w", err)
	}
	var cells [][]spec
	for _, argv := range [][]string{goRun, {hello}} {
		cells = append(cells, []spec{
			{Scenario: "launch", Mode: modeNone, Args: argv, Once: true},
			{Scenario: "launch", Mode: modeProfscope, Args: launched(argv...), Once: true},
		})
	}
	measured, err := l.measure(ctx, l.rounds, cells)
	if err != nil {
		return nil, err
	}
	t := table{columns: []string{"command", "alone, s", "under profscope profile, s", "added, s", "goal", "verdict"}}
	for i, name := range []string{"go run", "a binary"} {
		alone, under := measured[i][0], measured[i][1]
		for _, rs := range [][]reading{alone, under} {
			for j := range rs {
				if code := rs[j].Values["exit"]; rs[j].Err == nil && code != 0 {
					rs[j].Err = fmt.Errorf("%s: exit code %v", name, code)
					l.failures = append(l.failures, rs[j].Err)
				}
			}
		}
		added := newFigure(paired(alone, under, func(a, b reading) float64 { return b.Wall.Seconds() - a.Wall.Seconds() }))
		t.add(name, newFigure(single(alone, seconds)).show("%.2f"), newFigure(single(under, seconds)).show("%.2f"),
			added.show("%.2f"), fmt.Sprintf("<= %g", launchSeconds), added.verdict(launchSeconds))
	}
	return []table{t}, nil
}
