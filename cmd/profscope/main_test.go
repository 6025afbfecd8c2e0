package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"profscope": main})
}

// TestScripts has a script for each verb. go test -update rewrites what they
// compare with.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Abs("testdata/files")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: func(e *testscript.Env) error { e.Setenv("FILES", files); return nil },
	})
}

// TestTopEqualsPstats: the same rows in the same order as Python's pstats.
func TestTopEqualsPstats(t *testing.T) {
	t.Parallel()
	got := topOf(t, "testdata/files/step.prof")
	want, err := os.ReadFile("testdata/files/step_cumtime.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows, pstats := pstatsRows(t, got), pstatsRows(t, string(want))
	if len(rows) != len(pstats) || len(rows) < 100 {
		t.Fatalf("%d rows, pstats has %d", len(rows), len(pstats))
	}
	for i := range rows {
		if rows[i] != pstats[i] {
			t.Errorf("row %d:\n%s\n%s", i, rows[i], pstats[i])
		}
	}
	if first := "9939 function calls (8579 primitive calls) in 0.082 seconds"; !strings.HasPrefix(got, first) {
		t.Errorf("begins with %.80q", got)
	}
}

// TestTopOfEveryPython: what Python 3.8 to 3.14 wrote of testdata/pythons/record.py
// has the rows that their pstats print.
func TestTopOfEveryPython(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/pythons/*.prof")
	if err != nil || len(files) != 7 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		want, err := os.ReadFile(strings.TrimSuffix(name, ".prof") + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		got := topOf(t, name)
		rows, pstats := pstatsRows(t, got), pstatsRows(t, string(want))
		slices.Sort(rows) // the order of equal times is anybody's
		slices.Sort(pstats)
		if !slices.Equal(rows, pstats) || len(rows) != 15 {
			t.Errorf("%s:\n%s\npstats:\n%s", name, strings.Join(rows, "\n"), strings.Join(pstats, "\n"))
		}
		first, _, _ := strings.Cut(got, "\n")
		if !strings.Contains(string(want), first) {
			t.Errorf("%s begins with %q", name, first)
		}
		if !strings.Contains(got, "8361/1 ") {
			t.Errorf("%s does not tell the recursion", name)
		}
	}
}

// topOf returns what top prints of the whole file.
func topOf(t *testing.T, name string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"top", "--limit", "0", name}, nil, &stdout, &stderr); code != 0 {
		t.Fatal(code, &stderr)
	}
	return stdout.String()
}

// pstatsRows returns the rows of a table as pstats prints it.
func pstatsRows(t *testing.T, s string) []string {
	t.Helper()
	_, after, ok := strings.Cut(s, "filename:lineno(function)\n")
	if !ok {
		t.Fatalf("no table in\n%s", s)
	}
	return strings.Split(strings.TrimSpace(after), "\n")
}

// TestEveryVerbHasAnExample: -h of each verb shows one, and each verb says what
// it is for.
func TestEveryVerbHasAnExample(t *testing.T) {
	t.Parallel()
	root := (&app{}).root()
	n := 0
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		if n++; !c.Hidden && (c.Example == "" || c.Short == "") {
			t.Errorf("%s has no example, or says not what it is for", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(root)
	if n < 8 {
		t.Errorf("only %d verbs were looked at", n)
	}
}

// TestUsageCodes: whatever is wrong with a command line is told by 2.
func TestUsageCodes(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"nonsense"}, {"help", "nonsense"}, {"sessions", "nonsense"}, {"help", "sessions", "nonsense"},
		{"stats"}, {"stats", "--nonsense", "x"}, {"sessions", "list", "-o", "list.json"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, nil, &stdout, &stderr); code != exitUsage || stderr.Len() == 0 {
			t.Errorf("%q: %d %s", args, code, &stderr)
		}
	}
	for _, args := range [][]string{{"help"}, {"help", "stats"}, {"help", "sessions", "list"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, nil, &stdout, &stderr); code != exitOK || !strings.Contains(stdout.String(), "Usage:") {
			t.Errorf("%q: %d %s", args, code, &stderr)
		}
	}
}
