package context_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestTraceTooNew builds a program with a runtime whose trace has a version
// that the parser does not know, as one of the next years will have: its calls
// and elapsed times stay exact, stacks are sampled, and the file and the log
// say so.
func TestTraceTooNew(t *testing.T) {
	t.Parallel()
	needGo(t)
	dir := t.TempDir()
	exe := filepath.Join(dir, "program.exe")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay="+newerRuntime(t), "-o", exe, "./examples/quickstart")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	var o outcome
	var stdout, stderr bytes.Buffer
	for try := 1; ; try++ {
		o.dir = t.TempDir()
		stdout.Reset()
		stderr.Reset()
		run := exec.CommandContext(t.Context(), exe)
		run.Dir, run.Stdout, run.Stderr = o.dir, &stdout, &stderr
		if err := run.Run(); err != nil {
			t.Fatalf("%v\n%s%s", err, &stdout, &stderr)
		}
		// Stacks are sampled every 10 ms, for which a busy machine may give no time
		// in all of a program that takes so few of them: then once more.
		if try == 5 || strings.Contains(stdout.String(), "process") && wall(o.profile(t, "expensive_function.prof"), "role", "process") > 0 {
			break
		}
	}
	const said = "The execution tracer could not be used"
	warned := 0
	for line := range strings.Lines(stderr.String()) {
		switch {
		case strings.Contains(line, said):
			warned++
		case strings.Contains(line, "a file or table is now written at most once a second"): // a slow machine's
		default:
			t.Errorf("a line of log that nobody asked for: %s", line)
		}
	}
	if warned != 1 {
		t.Errorf("warned %d times, want once: %q", warned, &stderr)
	}
	for _, want := range []string{"process", "1 call", said} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in the table:\n%s", want, &stdout)
		}
	}
	p := o.profile(t, "expensive_function.prof")
	calls(t, p, "3")
	if p.DurationNanos < ms(60) { // three calls sleep for 20 ms each
		t.Errorf("elapsed %d ns", p.DurationNanos)
	}
	if !comment(p, "note: "+said) {
		t.Errorf("not told: %q", p.Comments)
	}
	if wall(p, "role", "process") == 0 {
		t.Error("nothing was sampled")
	}
}

// newerRuntime returns an overlay in which the runtime says that its traces
// are of Go 1.99.
func newerRuntime(t *testing.T) (overlay string) {
	t.Helper()
	// Of the go command that builds, which need not be the one that built this.
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	root, cache, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if strings.HasPrefix(root, cache) {
		t.Skip("the go command replaces no file of a toolchain that it has downloaded")
	}
	file := filepath.Join(root, "src", "runtime", "trace.go")
	source, err := os.ReadFile(file)
	if err != nil {
		t.Skip("no sources of the runtime:", err)
	}
	header := regexp.MustCompile(`go 1\.\d+ trace\\x00`)
	if n := len(header.FindAll(source, -1)); n != 1 {
		t.Skipf("%s of %s has the header of a trace %d times, want once", file, runtime.Version(), n)
	}
	dir := t.TempDir()
	newer := filepath.Join(dir, "trace.go")
	if err := os.WriteFile(newer, header.ReplaceAll(source, []byte(`go 1.99 trace\x00`)), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[string]any{"Replace": map[string]string{file: newer}})
	if err != nil {
		t.Fatal(err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}
