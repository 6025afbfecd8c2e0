//go:build unix

package launch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// childVerb makes the test's program a launcher, for a folder and an
// environment of its own.
const childVerb = "__launch"

// stopVerb makes it an operator's client.
const stopVerb = "__stop"

func child(out string, argv []string) int {
	self, err := os.Executable()
	if err == nil {
		var res Result
		res, err = Run(context.Background(), argv, Options{
			Output: out, WaitAll: true, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Say: os.Stderr, Self: self,
		})
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
	b, err := os.ReadFile("testdata/ends.txtar")
	if err != nil {
		t.Fatal(err)
	}
	return unpack(t, string(b))
}

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
func wall(p *profile.Profile, fn string) (d time.Duration) {
	at := -1
	for i, s := range p.SampleType {
		if s.Type == "wall" {
			at = i
		}
	}
	for _, s := range p.Sample {
		for _, l := range s.Location {
			if l.Line[0].Function.Name == fn {
				d += time.Duration(s.Value[at])
				break
			}
		}
	}
	return d
}

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
			if d := wall(p, "main.lastMoment"); d < 30*time.Millisecond {
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

// steered is a program that runs until somebody ends it.
type steered struct {
	s    Session
	out  string
	done chan struct{}
	res  Result
	err  error
	said said
}

func steer(t *testing.T, change func(*Options)) *steered {
	t.Helper()
	dir := ends(t)
	r := &steered{out: filepath.Join(t.TempDir(), "x.prof"), done: make(chan struct{})}
	name := "test-" + filepath.Base(filepath.Dir(filepath.Dir(r.out))) + "-" + filepath.Base(filepath.Dir(r.out))
	o := r.said.options(t, r.out)
	o.Session = name
	if change != nil {
		change(&o)
	}
	go func() {
		defer close(r.done)
		r.res, r.err = Run(context.Background(), []string{"go", "run", "-C", dir, ".", "loop"}, o)
	}()
	t.Cleanup(func() {
		if st, err := r.s.Status(); err == nil && len(st.Processes) > 0 {
			kill(t, st.Processes[0].PID)
		}
		<-r.done
	})
	r.until(t, func() bool {
		ss, err := Find(name, false)
		if err != nil {
			return false
		}
		r.s = ss[0]
		st, err := r.s.Status()
		return err == nil && len(st.Processes) == 1
	})
	return r
}

func (r *steered) until(t *testing.T, ok func() bool) {
	t.Helper()
	for !ok() {
		select {
		case <-r.done:
			t.Fatalf("it has ended: %v\n%s%s", r.err, &r.said.stderr, &r.said.ours)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (r *steered) pid(t *testing.T) int {
	t.Helper()
	st, err := r.s.Status()
	if err != nil || len(st.Processes) == 0 {
		t.Fatal(st, err)
	}
	return st.Processes[0].PID
}

func kill(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		_ = p.Kill()
	}
}

// TestKilled: what a snapshot has shown is in the file of a program that was
// killed afterwards.
func TestKilled(t *testing.T) {
	t.Parallel()
	r := steer(t, nil)
	var files []Written
	r.until(t, func() bool {
		var err error
		files, err = r.s.Snapshot()
		return err == nil
	})
	seen := wall(parse(t, files[0].Path), "main.lastMoment")
	kill(t, r.pid(t))
	<-r.done
	if r.err != nil || r.res.Code != 128+9 {
		t.Fatalf("exit code %d, %v", r.res.Code, r.err)
	}
	p := parse(t, r.out)
	if d := wall(p, "main.lastMoment"); d < seen {
		t.Errorf("%v, and the snapshot before had %v", d, seen)
	}
	if !strings.Contains(strings.Join(p.Comments, "\n"), "ended without telling") {
		t.Errorf("the file does not tell: %q", p.Comments)
	}
}

// TestSession: start, stop, cancel and snapshot, and what they leave.
func TestSession(t *testing.T) {
	t.Parallel()
	r := steer(t, nil)
	first, err := r.s.Stop() // at once: the program may not have reached main
	if err != nil || len(first) != 1 || first[0].Path != r.out {
		t.Fatalf("%v, %v", first, err)
	}
	if info, err := os.Stat(r.out); err != nil || info.Size() != first[0].Bytes {
		t.Errorf("%v, %v", info, err)
	}
	again, err := r.s.Stop()
	if err != nil || len(again) != 1 || again[0].Path != first[0].Path {
		t.Errorf("the second stop: %v, %v", again, err)
	}
	if _, err := r.s.Snapshot(); err == nil {
		t.Error("a snapshot of nothing")
	}
	if n, err := r.s.Start(""); n != 1 || err != nil {
		t.Fatalf("%d started, %v", n, err)
	}
	recording := func() bool { st, err := r.s.Status(); return err == nil && st.State == "recording" }
	r.until(t, recording)
	if n, err := r.s.Start(""); n != 0 || err != nil {
		t.Errorf("started twice: %d, %v", n, err)
	}
	var snap []Written
	r.until(t, func() bool { snap, err = r.s.Snapshot(); return err == nil })
	if base := filepath.Base(snap[0].Path); !strings.HasPrefix(base, "x.snapshot-") || filepath.Dir(snap[0].Path) != filepath.Dir(r.out) {
		t.Errorf("the snapshot is %s", snap[0].Path)
	}
	parse(t, snap[0].Path)
	if err := r.s.Cancel(); err != nil {
		t.Fatal(err)
	}
	if n, err := r.s.Start(filepath.Join(filepath.Dir(r.out), "other.prof")); n != 1 || err != nil {
		t.Fatalf("%d started, %v", n, err)
	}
	r.until(t, recording)
	r.until(t, func() bool { _, err := r.s.Snapshot(); return err == nil })
	third, err := r.s.Stop()
	if err != nil || len(third) != 1 || filepath.Base(third[0].Path) != "other.prof" {
		t.Errorf("%v, %v", third, err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(r.out), "x.2.prof")); err == nil {
		t.Error("the canceled recording has a file")
	}
}

// TestDuration: the recording ends, and so does the program.
func TestDuration(t *testing.T) {
	t.Parallel()
	r := steer(t, func(o *Options) { o.Duration, o.Kill = 1500*time.Millisecond, "sigterm" })
	<-r.done
	if r.err != nil || r.res.Code != 128+15 {
		t.Fatalf("exit code %d, %v", r.res.Code, r.err)
	}
	if d := parse(t, r.out).DurationNanos; time.Duration(d) < 500*time.Millisecond {
		t.Errorf("recorded %v of 1.5s", time.Duration(d))
	}
}

// TestDelay: nothing is recorded before it is time.
func TestDelay(t *testing.T) {
	t.Parallel()
	r := steer(t, func(o *Options) { o.Delay = time.Hour })
	if st, err := r.s.Status(); err != nil || st.State != "idle" {
		t.Fatalf("%+v, %v", st, err)
	}
	if n, err := r.s.Start(""); n != 1 || err != nil {
		t.Fatal(n, err)
	}
}

// TestStaleSession: a socket that nobody answers is removed, a client that
// says nothing disturbs nobody.
func TestStaleSession(t *testing.T) {
	t.Parallel()
	dir, err := sessionFolder()
	if err != nil {
		t.Fatal(err)
	}
	l, err := listen(filepath.Join(dir, "stale-one"+socketEnding), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.l.SetUnlinkOnClose(false)
	l.end()
	ss, err := Sessions()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range ss {
		if s.Name == "stale-one" {
			t.Error("the stale session is listed")
		}
	}
	if _, err := os.Lstat(l.path); err == nil {
		t.Error("its socket is there yet")
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
