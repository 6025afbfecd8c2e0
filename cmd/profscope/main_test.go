package main

import (
	"bytes"
	"os"
	"path/filepath"
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
	want, err := os.ReadFile("testdata/files/step_cumtime.txt")
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"top", "--limit", "0", "testdata/files/step.prof"}, nil, &stdout, &stderr); code != 0 {
		t.Fatal(code, &stderr)
	}
	rows := func(s string) []string {
		_, after, ok := strings.Cut(s, "filename:lineno(function)\n")
		if !ok {
			t.Fatalf("no table in\n%s", s)
		}
		return strings.Split(strings.TrimSpace(after), "\n")
	}
	got, pstats := rows(stdout.String()), rows(string(want))
	if len(got) != len(pstats) || len(got) < 100 {
		t.Fatalf("%d rows, pstats has %d", len(got), len(pstats))
	}
	for i := range got {
		if got[i] != pstats[i] {
			t.Errorf("row %d:\n%s\n%s", i, got[i], pstats[i])
		}
	}
	if first := "9939 function calls (8579 primitive calls) in 0.082 seconds"; !strings.HasPrefix(stdout.String(), first) {
		t.Errorf("begins with %.80q", stdout.String())
	}
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
