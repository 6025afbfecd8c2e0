//go:build unix

package launch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"golang.org/x/tools/txtar"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == HandoffVerb {
		if err := Handoff(os.Args[2], os.Args[3:]); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 3 && os.Args[1] == childVerb {
		os.Exit(child(os.Args[2], os.Args[3:]))
	}
	if len(os.Args) == 3 && os.Args[1] == askVerb {
		os.Exit(askRaw(os.Args[2]))
	}
	if len(os.Args) == 3 && os.Args[1] == stopVerb {
		if ss, err := Find(os.Args[2], false); err == nil {
			_, _ = ss[0].Stop()
		}
		os.Exit(0)
	}
	dir, err := os.MkdirTemp("", "profscope-test-")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_RUNTIME_DIR", dir)
	scratch = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// childVerb makes the test's program a launcher, for a folder, an environment
// and signals of its own.
const childVerb = "__launch"

// optionsVariable has more of that launcher's Options, as JSON.
const optionsVariable = "PROFSCOPE_TEST_OPTIONS"

// askVerb makes the test's program a client that prints all that it gets.
const askVerb = "__ask"

func askRaw(path string) int {
	c, err := net.Dial("unix", path)
	if err != nil {
		return 1
	}
	defer c.Close()
	if _, err := io.WriteString(c, `{"op":"status"}`+"\n"); err != nil {
		return 1
	}
	if _, err := io.Copy(os.Stdout, c); err != nil {
		return 1
	}
	return 0
}

// stopVerb makes it an operator's client.
const stopVerb = "__stop"

func child(out string, argv []string) int {
	self, err := os.Executable()
	if err == nil {
		o := Options{Output: out, WaitAll: true, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Say: os.Stderr, Self: self}
		if more := os.Getenv(optionsVariable); more != "" {
			err = json.Unmarshal([]byte(more), &o)
		}
		var res Result
		if err == nil {
			res, err = Run(context.Background(), argv, o)
		}
		if err == nil {
			return res.Code
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 99
}

// unpack writes the files of an archive into a new folder.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		at := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func ends(t *testing.T) string {
	t.Helper()
	return unpackFile(t, "testdata/ends.txtar")
}

func unpackFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return unpack(t, string(b))
}

// parts is the program of testdata/parts.txtar with the recorder in it, built
// once for all tests.
func parts(t *testing.T) string {
	t.Helper()
	partsOnce.Do(func() {
		dir := unpackFile(t, "testdata/parts.txtar")
		exe := filepath.Join(scratch, "parts")
		if res, s := record(t, filepath.Join(dir, "none.prof"), nil, "go", "build", "-C", dir, "-o", exe, "."); res.Code != 0 {
			t.Fatal(res, &s.stderr)
		}
		partsExe = exe
	})
	if partsExe == "" {
		t.Fatal("the program was not built")
	}
	return partsExe
}

var (
	scratch   string // folder of the whole run
	partsOnce sync.Once
	partsExe  string
)

// said is what a run printed.
type said struct{ stdout, stderr, ours bytes.Buffer }

func (s *said) options(t *testing.T, out string) Options {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Options{Output: out, WaitAll: true, Stdin: strings.NewReader(""), Stdout: &s.stdout, Stderr: &s.stderr, Say: &s.ours, Self: self}
}

// plain runs the command without us.
func plain(t *testing.T, argv ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &err
	if e := cmd.Run(); e != nil && cmd.ProcessState == nil {
		t.Fatal(e)
	}
	return exitCode(cmd.ProcessState), out.String(), err.String()
}

// record runs the command under the launcher, which must be content.
func record(t *testing.T, out string, change func(*Options), argv ...string) (Result, *said) {
	t.Helper()
	var s said
	o := s.options(t, out)
	if change != nil {
		change(&o)
	}
	res, err := Run(t.Context(), argv, o)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, &s.stderr, &s.ours)
	}
	return res, &s
}

func parse(t *testing.T, name string) *profile.Profile {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p
}

// wall returns the time in which the function was on a stack.
func wall(p *profile.Profile, fn string) time.Duration {
	return wallOf(p, func(s *profile.Sample) bool { return has(s, fn) })
}

// slept is wall and the running time of all functions, a bound of a sleep: states
// are exact, but functions on a CPU are sampled. The microseconds from a sleep's
// begin until its goroutine is blocked are running time, and booked to whatever
// was sampled in that stretch, its caller maybe.
func slept(p *profile.Profile, fn string) time.Duration {
	return wallOf(p, func(s *profile.Sample) bool { return has(s, fn) || slices.Contains(s.Label["state"], "running") })
}

func has(s *profile.Sample, fn string) bool {
	return slices.ContainsFunc(s.Location, func(l *profile.Location) bool { return l.Line[0].Function.Name == fn })
}

func wallOf(p *profile.Profile, counts func(*profile.Sample) bool) (d time.Duration) {
	at := slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Type == "wall" })
	for _, s := range p.Sample {
		if counts(s) {
			d += time.Duration(s.Value[at])
		}
	}
	return d
}
