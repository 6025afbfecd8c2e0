//go:build unix

package launch

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"
)

// checksums returns the files below dir with their content's hash.
func checksums(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		lines = append(lines, fmt.Sprintf("%x %s\n", sha256.Sum256(b), name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(lines)
	return strings.Join(lines, "")
}

// work is a package that the programs below share in one way or another.
const work = `package work

import (
	"fmt"
	"time"
)

//go:noinline
func Wait() {
	var fs []func()
	for i := 0; i < 3; i++ {
		fs = append(fs, func() { fmt.Print(i, " ") })
	}
	for _, f := range fs {
		f()
	}
	time.Sleep(20 * time.Millisecond)
}
`

// lasted is how long a package's tests took, as go test says.
var lasted = regexp.MustCompile(`\t[0-9.]+s`)

const mainOfWork = "package main\n\nimport \"example.test/work\"\n\nfunc main() { work.Wait() }\n"

// TestSources: whatever the program's sources are like, they stay what they
// are, it prints what it prints without us, and the profile names its
// functions.
func TestSources(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a dozen programs, twice")
	}
	for _, tt := range []struct {
		name, archive string
		dir           string   // below the archive, to work in
		env           []string // of both runs
		argv          []string
		function      string
		needs         string
	}{
		{"old go line", "-- go.mod --\nmodule example.test/m\ngo 1.17\n-- main.go --\npackage main\n\nimport \"example.test/m/work\"\n\nfunc main() { work.Wait() }\n-- work/work.go --\n" + work,
			"", nil, []string{"go", "run", "."}, "example.test/m/work.Wait", ""},
		{"vendor, offline", "-- go.mod --\nmodule example.test/m\ngo 1.22\nrequire example.test/work v1.0.0\n-- main.go --\n" + mainOfWork +
			"-- vendor/modules.txt --\n# example.test/work v1.0.0\n## explicit\nexample.test/work\n-- vendor/example.test/work/work.go --\n" + work,
			"", []string{"GOPROXY=off", "GOFLAGS=-mod=vendor"}, []string{"go", "run", "."}, "example.test/work.Wait", ""},
		{"workspace", "-- go.work --\ngo 1.22\nuse (\n\t./m\n\t./work\n)\n-- m/go.mod --\nmodule example.test/m\ngo 1.21\n-- m/main.go --\n" + mainOfWork +
			"-- work/go.mod --\nmodule example.test/work\ngo 1.22\n-- work/work.go --\n" + work,
			"m", []string{"GOPROXY=off"}, []string{"go", "run", "."}, "example.test/work.Wait", ""},
		{"nested module", "-- go.mod --\nmodule example.test/outer\n-- cmd/go.mod --\nmodule example.test/m\ngo 1.20\n-- cmd/main.go --\npackage main\n\nimport \"example.test/m/work\"\n\nfunc main() { work.Wait() }\n-- cmd/work/work.go --\n" + work,
			"", nil, []string{"go", "run", "-C", "cmd", "."}, "example.test/m/work.Wait", ""},
		{"a file that is ignored", "-- go.mod --\nmodule example.test/m\ngo 1.20\n-- work/work.go --\n" + work + "-- gen.go --\n//go:build ignore\n\npackage main\n\nimport \"example.test/m/work\"\n\nfunc main() { work.Wait() }\n-- lib.go --\npackage lib\n",
			"", nil, []string{"go", "run", "gen.go", "-x"}, "example.test/m/work.Wait", ""},
		{"two files, no module", "-- a.go --\npackage main\n\nimport \"time\"\n\nfunc main() { wait() }\n\nvar _ = time.Now\n-- b.go --\npackage main\n\nimport \"time\"\n\nfunc wait() { time.Sleep(20 * time.Millisecond); println(\"b\") }\n",
			"", []string{"GO111MODULE=off"}, []string{"go", "run", "./a.go", "./b.go", "-x"}, "main.wait", ""},
		{"build tags", "-- go.mod --\nmodule example.test/m\ngo 1.22\n-- main.go --\n//go:build special\n\npackage main\n\nimport \"example.test/m/work\"\n\nfunc main() { work.Wait() }\n-- work/work.go --\n" + work + "-- other.go --\n//go:build !special\n\npackage main\n\nfunc main() { panic(\"the other\") }\n",
			"", nil, []string{"go", "run", "-tags", "special", "."}, "example.test/m/work.Wait", ""},
		{"race detector", "-- go.mod --\nmodule example.test/m\ngo 1.22\n-- main.go --\npackage main\n\nimport \"example.test/m/work\"\n\nfunc main() { work.Wait() }\n-- work/work.go --\n" + work,
			"", nil, []string{"go", "run", "-race", "."}, "example.test/m/work.Wait", "gcc"},
		{"cgo", "-- go.mod --\nmodule example.test/m\ngo 1.20\n-- main.go --\npackage main\n\n// #include <unistd.h>\n// static int nap() { return usleep(20000); }\nimport \"C\"\nimport \"fmt\"\n\nfunc nap() { fmt.Println(C.nap()) }\n\nfunc main() { nap() }\n",
			"", []string{"CGO_ENABLED=1"}, []string{"go", "run", "."}, "main.nap", "gcc"},
		{"several programs", "-- go.mod --\nmodule example.test/m\ngo 1.22\n-- one/main.go --\npackage main\n\nimport \"example.test/m/work\"\n\nfunc main() { work.Wait() }\n-- two/main.go --\npackage main\n\nfunc main() { panic(\"the other\") }\n-- work/work.go --\n" + work,
			"", nil, []string{"go", "run", "./one"}, "example.test/m/work.Wait", ""},
		{"a test", "-- go.mod --\nmodule example.test/m\ngo 1.22\n-- work/work.go --\n" + work + "-- work/work_test.go --\npackage work_test\n\nimport (\n\t\"testing\"\n\n\t\"example.test/m/work\"\n)\n\nfunc TestWait(t *testing.T) { work.Wait() }\n",
			"", nil, []string{"go", "test", "-v", "-run", "Wait", "./..."}, "example.test/m/work.Wait", ""},
		{"a test inside", "-- go.mod --\nmodule example.test/m\ngo 1.22\n-- work.go --\n" + work + "-- work_test.go --\npackage work\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(m *testing.M) { os.Exit(m.Run()) }\n\nfunc TestWait(t *testing.T) { Wait() }\n",
			"", nil, []string{"go", "test", "-v"}, "example.test/m.Wait", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.needs != "" {
				if _, err := exec.LookPath(tt.needs); err != nil {
					t.Skip("needs ", tt.needs)
				}
			}
			root := unpack(t, tt.archive)
			before := checksums(t, root)
			dir := filepath.Join(root, tt.dir)
			// -C must be the first flag, and Run works where the process is.
			in := func(out string) (code int, stdout string) {
				var so, se bytes.Buffer
				argv := tt.argv
				if out != "" {
					self, err := os.Executable()
					if err != nil {
						t.Fatal(err)
					}
					argv = append([]string{self, childVerb, out}, argv...)
				}
				cmd := exec.Command(argv[0], argv[1:]...)
				cmd.Dir, cmd.Env = dir, append(os.Environ(), tt.env...)
				cmd.Stdout, cmd.Stderr = &so, &se
				if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
					t.Fatal(err)
				}
				if cmd.ProcessState.ExitCode() != 0 {
					t.Logf("stderr: %s", &se)
				}
				return cmd.ProcessState.ExitCode(), so.String()
			}
			// The time that a test took is its own matter.
			steady := func(s string) string {
				var lines []string
				for line := range strings.Lines(s) {
					first, _, _ := strings.Cut(line, "(")
					lines = append(lines, strings.TrimSpace(lasted.ReplaceAllString(first, "")))
				}
				return strings.Join(lines, "\n")
			}
			out := filepath.Join(t.TempDir(), "x.prof")
			code, stdout := in("")
			gotCode, got := in(out)
			if gotCode != code || code != 0 && tt.needs == "" {
				t.Fatalf("exit code %d, without us %d", gotCode, code)
			}
			if code != 0 {
				t.Skipf("does not work here without us either: %s", tt.needs)
			}
			if steady(got) != steady(stdout) {
				t.Errorf("stdout %q, without us %q", got, stdout)
			}
			if checksums(t, root) != before {
				t.Error("the sources have changed")
			}
			if d := slept(parse(t, out), tt.function); d < 20*time.Millisecond {
				t.Errorf("%v in %s, which lasted 20ms", d, tt.function)
			}
		})
	}
}
