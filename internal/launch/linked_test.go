//go:build unix

package launch

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLinked: a program that links profscope is recorded however it was built,
// once, and its own profile is there too.
func TestLinked(t *testing.T) {
	t.Parallel()
	const linked = "./testdata/linked"
	exe := filepath.Join(t.TempDir(), "linked")
	if out, err := exec.Command("go", "build", "-o", exe, linked).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const lasted = 30 * 50 * time.Millisecond
	for _, tt := range []struct {
		name string
		argv []string
		want time.Duration // of main in the recording
	}{
		{"go run", []string{"go", "run", linked}, lasted},
		// Nothing tells of its end: the last generation is missing.
		{"built by others", []string{exe}, lasted / 3},
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
				if d := wall(parse(t, filepath.Join(dir, "own.prof")), "main.scoped"); d < lasted {
					t.Errorf("%v in the program's own profile, which lasted %v", d, lasted)
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
