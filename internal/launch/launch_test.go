//go:build unix

package launch

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEnds: however a program ends, its output and exit code are its own, and
// its last moment is in the file.
func TestEnds(t *testing.T) {
	t.Parallel()
	dir := ends(t)
	exe := filepath.Join(t.TempDir(), "ends")
	if out, err := exec.Command("go", "build", "-C", dir, "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, end := range []string{"return", "exit", "fatal", "panic", "gopanic", "term", "handled"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := plain(t, exe, end, "-x", "a b")
			out := filepath.Join(t.TempDir(), "x.prof")
			res, s := record(t, out, nil, "go", "run", "-C", dir, ".", end, "-x", "a b")
			if res.Code != code {
				t.Errorf("exit code %d, without us %d", res.Code, code)
			}
			if got := s.stdout.String(); got != stdout {
				t.Errorf("stdout %q, without us %q", got, stdout)
			}
			// A panic's trace has addresses and goroutine numbers.
			first := func(s string) string { line, _, _ := strings.Cut(s, "\n"); return line }
			if got := s.stderr.String(); first(got) != first(stderr) {
				t.Errorf("stderr %q, without us %q", got, stderr)
			}
			if len(res.Files) != 1 || res.Files[0].Path != out {
				t.Fatalf("files %v", res.Files)
			}
			p := parse(t, out)
			if d := slept(p, "main.lastMoment"); d < 30*time.Millisecond {
				t.Errorf("%v in the last moment, which lasted 30ms", d)
			}
			if d := time.Duration(p.DurationNanos); d < 80*time.Millisecond {
				t.Errorf("recorded %v, and main lasted 80ms", d)
			}
			for _, s := range p.Sample {
				for _, l := range s.Location {
					if name := l.Line[0].Function.Name; strings.HasPrefix(name, stubPackage+".") {
						t.Errorf("the recorder shows: %s", l.Line[0].Function.Name)
					}
				}
			}
		})
	}
}

// TestRefused: what cannot be recorded is told before anything is started.
func TestRefused(t *testing.T) {
	t.Parallel()
	dir := ends(t)
	exe := filepath.Join(dir, "bare")
	if out, err := exec.Command("go", "build", "-C", dir, "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	taken := filepath.Join(dir, "taken.prof")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		argv   []string
		change func(*Options)
		want   string
	}{
		{[]string{exe, "return"}, nil, "profscope profile go build"},
		{[]string{"/bin/sh", "-c", "true"}, nil, "is no Go program"},
		{[]string{"no-such-program"}, nil, "executable file not found"},
		{[]string{"go", "vet", "."}, nil, "go run, go test and go build"},
		{[]string{"go", "run"}, nil, "names no package"},
		{[]string{"go", "run", "example.test/x@latest"}, nil, "package@version"},
		{[]string{"go", "test", "-trace=x", "."}, nil, "execution tracer"},
		{[]string{exe}, func(o *Options) { o.Output = taken }, "--force-overwrite"},
		{[]string{exe}, func(o *Options) { o.Output = "-" }, "the program's"},
		{[]string{exe}, func(o *Options) { o.Modes = []string{"heap"} }, "mem"},
		{[]string{exe}, func(o *Options) { o.Range = "hotkey" }, "scope:NAME"},
		{[]string{exe}, func(o *Options) { o.Session = "../x" }, "file name"},
		{[]string{exe}, func(o *Options) { o.Session = "x\x1b[2J" }, `"x\x1b[2J"`},
		{[]string{exe}, func(o *Options) { o.Env = []string{"A=", "B"} }, `"B"`},
		{[]string{exe}, func(o *Options) { o.Output = strings.Repeat("a", 252) + ".prof" }, "shorter name"},
		{[]string{"go", "run", "."}, func(o *Options) { o.Output = strings.Repeat("a", 252) + ".prof" }, "shorter name"},
	} {
		var s said
		o := s.options(t, filepath.Join(t.TempDir(), "x.prof"))
		if tt.change != nil {
			tt.change(&o)
		}
		res, err := Run(t.Context(), tt.argv, o)
		var u *UsageError
		if !errors.As(err, &u) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want a usage error with %q", tt.argv, err, tt.want)
		}
		if len(res.Files) > 0 || s.stdout.Len() > 0 {
			t.Errorf("%v: something was done: %v %q", tt.argv, res, &s.stdout)
		}
	}
}

// TestCompileError is the go command's business.
func TestCompileError(t *testing.T) {
	t.Parallel()
	dir := unpack(t, "-- go.mod --\nmodule example.test/bad\n-- main.go --\npackage main\n\nfunc main() { nothing() }\n")
	res, s := record(t, filepath.Join(dir, "x.prof"), nil, "go", "run", "-C", dir, ".")
	if res.Code != 1 || !strings.Contains(s.stderr.String(), "undefined: nothing") {
		t.Errorf("exit code %d, %q", res.Code, &s.stderr)
	}
}

// TestBuilt: a binary that was built with the recorder records when the
// launcher starts it, and does nothing otherwise.
func TestBuilt(t *testing.T) {
	t.Parallel()
	dir := ends(t)
	exe := filepath.Join(t.TempDir(), "built")
	res, _ := record(t, filepath.Join(dir, "none.prof"), nil, "go", "build", "-C", dir, "-o", exe, ".")
	if res.Code != 0 || !res.Built {
		t.Fatal(res)
	}
	if code, stdout, stderr := plain(t, exe, "exit"); code != 7 || stdout != "3 3 3 [exit] \n" || stderr != "" {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
	out := filepath.Join(dir, "x.trace")
	res, _ = record(t, out, func(o *Options) { o.Modes = []string{"mem", "goroutine", "cpu"} }, exe, "exit")
	if res.Code != 7 || len(res.Files) != 4 {
		t.Fatal(res)
	}
	b, err := os.ReadFile(out)
	if err != nil || !bytes.HasPrefix(b, []byte("go 1.")) {
		t.Errorf("%.20q, %v", b, err)
	}
	for _, mode := range []string{"mem", "goroutine", "cpu"} {
		if p := parse(t, filepath.Join(dir, "x."+mode+".prof")); len(p.SampleType) == 0 {
			t.Errorf("%s is empty", mode)
		}
	}
}
