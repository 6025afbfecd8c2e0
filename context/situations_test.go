package context_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/cprofile"
)

// A situation is what a program meets and a test cannot do to itself: a tracer
// in use, a broken stdout, a signal. The test binary runs it as a child of
// itself, in an empty folder. It ends by returning, or by die.
const situationEnv = "PROFSCOPE_TEST_SITUATION"

var situations = map[string]func(){}

// declare adds situations to the table; each file of a topic has its own.
func declare(m map[string]func()) bool {
	for name, run := range m {
		if situations[name] != nil {
			panic("two situations are called " + name)
		}
		situations[name] = run
	}
	return true
}

// situationT is the child's, for what cannot be had without one.
var situationT *testing.T

// TestSituation is the child's side.
func TestSituation(t *testing.T) {
	name := os.Getenv(situationEnv)
	if name == "" {
		t.Skip("no test of its own: the others run it as their child process")
	}
	run := situations[name]
	if run == nil {
		die("no situation is called %q", name)
	}
	situationT = t
	run()
	os.Exit(0)
}

// die ends a child whose situation did not go as it should.
func die(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "FAILED: "+format+"\n", args...)
	os.Exit(97)
}

func must(err error) {
	if err != nil {
		die("%v", err)
	}
}

// wantError dies unless err has all the words.
func wantError(err error, words ...string) {
	if err == nil {
		die("no error, want one with %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			die("error %q lacks %q", err, w)
		}
	}
}

// outcome is what a child left.
type outcome struct {
	dir, stdout, stderr string
	code                int
}

// children bounds how many run at once: more would only measure each other.
var children = make(chan struct{}, 2)

// command makes the child, not yet started.
func command(t *testing.T, name, dir string, env ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestSituation$")
	cmd.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PROFSCOPE") && !strings.HasPrefix(v, "RANK=") && !strings.HasPrefix(v, "LOCAL_RANK=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, situationEnv+"="+name), env...)
	cmd.WaitDelay = time.Minute
	return cmd
}

// meet runs a situation and returns what it left; the child must end with code.
func meet(t *testing.T, name string, code int, env ...string) outcome {
	t.Helper()
	children <- struct{}{}
	defer func() { <-children }()
	return meetAtOnce(t, name, code, env...)
}

// meetAtOnce is meet for a child that sleeps nearly all of its time: it takes
// no place from the others.
func meetAtOnce(t *testing.T, name string, code int, env ...string) outcome {
	t.Helper()
	o := outcome{dir: t.TempDir()}
	cmd := command(t, name, o.dir, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", name, err)
	}
	o.stdout, o.stderr, o.code = stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	if o.code != code {
		t.Fatalf("%s: exit code %d, want %d\nstdout: %s\nstderr: %s", name, o.code, code, o.stdout, o.stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(o.dir, ".profscope-*")); len(left) > 0 {
		t.Errorf("%s: temporary files left: %q", name, left)
	}
	return o
}

// names lists the files that the child left.
func (o outcome) names(t *testing.T) []string {
	t.Helper()
	es, err := os.ReadDir(o.dir)
	if err != nil {
		t.Fatal(err)
	}
	var ns []string
	for _, e := range es {
		ns = append(ns, e.Name())
	}
	return ns
}

// profile decodes a file and checks what holds for every profile: it is valid,
// and the states of role self add up to the elapsed time, to the nanosecond.
func (o outcome) profile(t *testing.T, name string) *profile.Profile {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(o.dir, name))
	if err != nil {
		t.Fatalf("%v\nstderr: %s", err, o.stderr)
	}
	return parse(t, name, b)
}

func parse(t *testing.T, name string, b []byte) *profile.Profile {
	t.Helper()
	p, err := profile.ParseData(b)
	if err == nil {
		err = p.CheckValid()
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if got := wall(p, "role", "self"); got != p.DurationNanos {
		t.Errorf("%s: states of self add up to %d ns, elapsed %d ns", name, got, p.DurationNanos)
	}
	return p
}

// value sums sample values of one type over the samples with that label; an
// empty label is every sample.
func value(p *profile.Profile, typ, label, want string) int64 {
	i := slices.IndexFunc(p.SampleType, func(v *profile.ValueType) bool { return v.Type == typ })
	var sum int64
	for _, s := range p.Sample {
		if label == "" || slices.Contains(s.Label[label], want) {
			sum += s.Value[i]
		}
	}
	return sum
}

func wall(p *profile.Profile, label, want string) int64 { return value(p, "wall", label, want) }

func ms(n int64) int64 { return n * int64(time.Millisecond) }

// comment tells whether a comment begins so.
func comment(p *profile.Profile, prefix string) bool {
	return slices.ContainsFunc(p.Comments, func(c string) bool { return strings.HasPrefix(c, prefix) })
}

// inSlices tells whether more trace came than a machine keeps up with, as one
// with little time for the program may meet: much of it then is unknown.
func inSlices(p *profile.Profile) bool {
	return slices.ContainsFunc(p.Comments, func(c string) bool { return strings.Contains(c, "recorded in slices") })
}

// calls fails the test unless the profile holds so many.
func calls(t *testing.T, p *profile.Profile, want string) {
	t.Helper()
	if !slices.Contains(p.Comments, "calls: "+want) {
		t.Errorf("want %s calls: %q", want, p.Comments)
	}
}

// hasFunction tells whether a function whose name ends so is in the profile.
func hasFunction(p *profile.Profile, suffix string) bool {
	return slices.ContainsFunc(p.Function, func(f *profile.Function) bool { return strings.HasSuffix(f.Name, suffix) })
}

var sink int

// spin computes for at least d.
//
//go:noinline
func spin(d time.Duration) {
	for begin := time.Now(); time.Since(begin) < d; {
		for i := range 20000 {
			sink += i * i % 7
		}
	}
}

// The shortest scope there is.
func call(file string, opts ...cprofile.Option) error {
	return cprofile.New(file, opts...).Start().Stop()
}

// settled waits until no more is held than early and so much: what waits to be
// read, and pools of compressors, go in a while, and what leaks does not.
func settled(early, more uint64) {
	await(fmt.Sprintf("live memory of %d bytes to be no more than %d", heap(), early+more), func() bool { return heap() <= early+more })
}

// heap is the memory in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
