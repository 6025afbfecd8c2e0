//go:build unix

package launch

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/profscope/profscope/internal/launch/stub"
)

// TestTaken: the mark by which one of two recorders in a program stands back is
// no longer for each program that started the next one, and goes with the program:
// one that takes its place, under its process id, is recorded.
func TestTaken(t *testing.T) {
	t.Parallel()
	exe := parts(t)
	children := func(o *Options) { o.Children = true }
	_, s := record(t, filepath.Join(t.TempDir(), "%n-%p.prof"), children, exe, "parent", "parent", "parent", "told")
	if n := strings.Count(s.stdout.String(), stub.FlagTaken); n != 1 {
		t.Errorf("%d marks in %q", n, &s.stdout)
	}

	dir := t.TempDir()
	linked := filepath.Join(dir, "linked")
	if out, err := exec.Command("go", "build", "-o", linked, "./testdata/linked").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	res, s := record(t, filepath.Join(dir, "%n-%p.prof"), func(o *Options) {
		children(o)
		o.Env = []string{"PROFSCOPE_DIR=" + dir}
	}, exe, "become", linked)
	if res.Code != 0 || len(res.Files) != 2 || res.Files[0].PID != res.Files[1].PID || s.stdout.String() != "done\n" {
		t.Errorf("%+v %q %s", res, &s.stdout, &s.ours)
	}
}

// TestLinked: a program that links profscope is recorded however it was built,
// once, and its own profile is there too.
func TestLinked(t *testing.T) {
	t.Parallel()
	const linked = "./testdata/linked"
	exe := filepath.Join(t.TempDir(), "linked")
	if out, err := exec.Command("go", "build", "-o", exe, linked).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const call = 50 * time.Millisecond
	for _, tt := range []struct {
		name string
		argv []string
		own  time.Duration // that its profile of itself has, at least
		want time.Duration // of main in the recording
	}{
		{"go run", []string{"go", "run", linked}, 30 * call, 30 * call},
		// Nothing tells of its end: the last generation is missing, which on a busy
		// machine is two seconds and more.
		{"built by others", []string{exe, "80"}, 80 * call, 10 * call},
	} {
		for _, children := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/children=%v", tt.name, children), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				out := filepath.Join(dir, "x.prof")
				res, s := record(t, out, func(o *Options) {
					o.Children, o.Env = children, []string{"PROFSCOPE_DIR=" + dir}
				}, tt.argv...)
				if res.Code != 0 || len(res.Files) != 1 || s.stdout.String() != "done\n" {
					t.Fatalf("%+v %q %s", res, &s.stdout, &s.stderr)
				}
				if d := wall(parse(t, filepath.Join(dir, "own.prof")), "main.scoped"); d < tt.own {
					t.Errorf("%v in the program's own profile, which lasted %v", d, tt.own)
				}
				said := strings.Join(res.Files[0].Losses, "\n")
				if want := "with exit code 0 (it links profscope"; strings.Contains(said, want) != (tt.argv[0] == exe) || strings.Contains(said, "killed") {
					t.Errorf("the launcher, which knows the exit code, says %q", said)
				}
				p := parse(t, out)
				if d := wall(p, "main.main"); d < tt.want {
					t.Errorf("%v in main, want %v at least", d, tt.want)
				}
				for _, s := range p.Sample {
					for _, l := range s.Location {
						if fn := l.Line[0].Function.Name; strings.Contains(fn, "profscope/internal/") || strings.HasPrefix(fn, stubPackage+".") {
							t.Errorf("the recorder shows: %s", fn)
						}
					}
				}
			})
		}
	}
}
