//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/profscope/profscope/internal/launch"
)

// loop is a program that runs until somebody ends it.
const loop = `package main

import "time"

func waitInLoop() { time.Sleep(10 * time.Millisecond) }

func main() {
	for {
		waitInLoop()
	}
}
`

// operator is a user with sessions of his own, in a folder of his own.
type operator struct {
	t   *testing.T
	dir string
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	o := &operator{t, t.TempDir()}
	for name, text := range map[string]string{"go.mod": "module example.test/loop\n", "main.go": loop} {
		if err := os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o.must("profile", "go", "build", "-o", "loop", ".")
	return o
}

// command is the command line as a process.
func (o *operator) command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command("profscope", args...)
	cmd.Dir = o.dir
	tmp := filepath.Join(o.dir, "tmp") // a launcher that is killed leaves a folder there
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		o.t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+o.dir, "TMPDIR="+tmp, "PWD="+o.dir)
	stderr := new(bytes.Buffer)
	cmd.Stderr = stderr
	return cmd, stderr
}

// must returns what a command that succeeds prints.
func (o *operator) must(args ...string) string {
	o.t.Helper()
	cmd, stderr := o.command(args...)
	out, err := cmd.Output()
	if err != nil {
		o.t.Fatalf("%v: %v: %s", args, err, stderr)
	}
	return string(out)
}

// begin starts a program under the launcher, and returns when it is there.
func (o *operator) begin(args ...string) *launched {
	o.t.Helper()
	cmd, stderr := o.command(append(append([]string{"profile"}, args...), "./loop")...)
	stdout := new(bytes.Buffer)
	cmd.Stdout = stdout
	before := o.list()
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	l := &launched{cmd: cmd, stdout: stdout, stderr: stderr}
	o.t.Cleanup(func() { l.end() })
	o.until(func() bool {
		for _, st := range o.list() {
			if len(st.Processes) == 1 && !slices.ContainsFunc(before, func(b launch.Status) bool { return b.Name == st.Name }) {
				l.Status = st
				return true
			}
		}
		return false
	})
	return l
}

func (o *operator) until(ok func() bool) {
	o.t.Helper()
	for begin := time.Now(); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			o.t.Fatal("it takes more than a minute")
		}
	}
}

func (o *operator) list() (all []launch.Status) {
	o.t.Helper()
	o.until(func() bool { // each has had a processor
		all = nil
		if err := json.Unmarshal([]byte(o.must("sessions", "list", "-o", "json")), &all); err != nil {
			o.t.Fatal(err)
		}
		return !slices.ContainsFunc(all, func(st launch.Status) bool { return st.State == launch.Silent })
	})
	return all
}

// launched is a program that runs.
type launched struct {
	launch.Status
	cmd    *exec.Cmd
	stdout *bytes.Buffer
	stderr *bytes.Buffer
	over   bool
}

// end kills the program, and returns the launcher's exit code.
func (l *launched) end() int {
	if !l.over {
		l.over = true
		if len(l.Processes) > 0 {
			_ = syscall.Kill(l.Processes[0].PID, syscall.SIGKILL)
		} else {
			_ = l.cmd.Process.Kill()
		}
		_ = l.cmd.Wait()
	}
	return l.cmd.ProcessState.ExitCode()
}

// killLauncher kills it, and then its program, which goes on alone.
func (l *launched) killLauncher() {
	l.over = true
	_ = l.cmd.Process.Kill()
	_ = syscall.Kill(l.Processes[0].PID, syscall.SIGKILL) // which holds the other end of stderr
	_ = l.cmd.Wait()
}

// lines are those of a command's output.
func lines(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") }

// TestSessions: two operators, several programs, one of which dies.
func TestSessions(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	if out := o.must("sessions", "list"); out != "" {
		t.Errorf("sessions before the first: %q", out)
	}
	var all []*launched
	for i := range 5 {
		all = append(all, o.begin("--session-new", "s"+strconv.Itoa(i), "-o", "out"+strconv.Itoa(i)+".prof"))
	}
	cmd, stderr := o.command("sessions", "stop")
	if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), "--all") {
		t.Errorf("which of five: %v, %s", err, stderr)
	}

	// The one that dies is in no list afterwards, and has its file.
	all[0].end()
	if n := len(o.list()); n != 4 {
		t.Errorf("%d sessions, one of five programs has died", n)
	}
	// A launcher that dies leaves its socket, which the next list removes.
	all[1].killLauncher()
	if n := len(o.list()); n != 3 {
		t.Errorf("%d sessions, two of five have died", n)
	}
	if _, err := os.Stat(filepath.Join(o.dir, "profscope", "s1.sock")); err == nil {
		t.Error("the dead launcher's socket is there yet")
	}

	o.until(func() bool {
		return !slices.ContainsFunc(o.list(), func(s launch.Status) bool { return s.Processes[0].Bytes == 0 })
	})
	snapshot := lines(o.must("sessions", "snapshot", "--session=s2"))
	if want := filepath.Join(o.dir, "out2.snapshot-1.prof"); snapshot[len(snapshot)-1] != want {
		t.Errorf("snapshot %q, want %s", snapshot, want)
	}
	// Both operators stop everything at the same time.
	other, otherErr := o.command("sessions", "stop", "--all")
	var otherOut bytes.Buffer
	other.Stdout = &otherOut
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	mine := lines(o.must("sessions", "stop", "--all"))
	if err := other.Wait(); err != nil {
		t.Errorf("the other operator: %v: %s", err, otherErr)
	}
	theirs := lines(otherOut.String())
	slices.Sort(mine)
	slices.Sort(theirs)
	want := []string{filepath.Join(o.dir, "out2.prof"), filepath.Join(o.dir, "out3.prof"), filepath.Join(o.dir, "out4.prof")}
	if !slices.Equal(mine, want) || !slices.Equal(theirs, want) {
		t.Errorf("one stopped %q, the other %q, want %q", mine, theirs, want)
	}
	for _, name := range want {
		if !strings.Contains(o.must("top", "--limit", "0", name), "waitInLoop") {
			t.Errorf("%s does not name what the program did", name)
		}
	}
	for _, st := range o.list() {
		if st.State != "idle" || st.Processes[0].State != "idle" {
			t.Errorf("after the stop: %+v", st)
		}
	}
	for _, l := range all[2:] {
		if code := l.end(); code != 128+9 {
			t.Errorf("exit code %d of a program that was killed: %s", code, l.stderr)
		}
	}
	if n := len(o.list()); n != 0 {
		t.Errorf("%d sessions, all programs have ended", n)
	}
}

// TestSessionSilent: a launcher that was stopped keeps nobody waiting, and is in
// the list.
func TestSessionSilent(t *testing.T) {
	t.Parallel()
	o := &operator{t, t.TempDir()}
	o.must("sessions", "list") // makes the folder
	for _, name := range []string{"deaf", "dumb\x1b[2J"} {
		l, err := net.Listen("unix", filepath.Join(o.dir, "profscope", name+".sock"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	want := []string{"session state processes program", "deaf does not answer - -", `"dumb\x1b[2J" does not answer - -`}
	for i, line := range lines(o.must("sessions", "list")) {
		if got := strings.Join(strings.Fields(line), " "); i >= len(want) || got != want[i] {
			t.Errorf("line %d: %q, want %q", i, got, want)
		}
	}
	want = []string{"deaf does not answer", `"dumb\x1b[2J" does not answer`}
	for i, line := range lines(o.must("sessions", "status", "--all")) {
		if got := strings.Join(strings.Fields(line), " "); i >= len(want) || got != want[i] {
			t.Errorf("line %d: %q, want %q", i, got, want)
		}
	}
	cmd, stderr := o.command("attach", strconv.Itoa(os.Getpid()))
	if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), `session "deaf", which may, does not answer`) {
		t.Errorf("attached to what nobody knows: %v, %s", err, stderr)
	}
}

// TestAttachProcess: a program under the launcher, by its process id.
func TestAttachProcess(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	l := o.begin("--delay", "3600", "-o", "later.prof")
	pid := strconv.Itoa(l.Processes[0].PID)
	want := filepath.Join(o.dir, "now.prof")
	if out := lines(o.must("attach", pid, "-o", "now.prof", "--duration", "0.5")); !slices.Equal(out, []string{want}) {
		t.Errorf("%q, want %s", out, want)
	}
	if !strings.Contains(o.must("top", "--limit", "0", want), "waitInLoop") {
		t.Error("the profile does not name what the program did")
	}
	if out := o.must("sessions", "start"); !strings.HasSuffix(out, ": 1 started\n") {
		t.Errorf("start: %q", out)
	}
	if out := o.must("sessions", "start"); !strings.HasSuffix(out, ": is recording already\n") {
		t.Errorf("a second start: %q", out)
	}
	cmd, stderr := o.command("sessions", "start", "--output", "again.prof")
	if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), "not into again.prof") {
		t.Errorf("a second start with a file of its own: %v, %s", err, stderr)
	}
	cmd, stderr = o.command("attach", pid, "-o", "again.prof")
	if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), "snapshot") {
		t.Errorf("attached to what is recorded already: %v, %s", err, stderr)
	}
	if out := lines(o.must("sessions", "stop")); !slices.Equal(out, []string{filepath.Join(o.dir, "later.prof")}) {
		t.Errorf("the session's own recording went to %q", out)
	}
	cmd, stderr = o.command("attach", strconv.Itoa(os.Getpid()))
	if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), "by URL") {
		t.Errorf("attached to a program of nobody's: %v, %s", err, stderr)
	}
}

// TestInterruptedStats: the signal that ends the program takes neither its exit
// code nor its tables away.
func TestInterruptedStats(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	for _, output := range []string{"x.trace", "x.prof"} {
		l := o.begin("--stats", "-o", output)
		o.until(func() bool { // main has been reached, and a generation is whole
			cmd, _ := o.command("sessions", "snapshot", "--session="+l.Name)
			out, err := cmd.Output()
			if err != nil {
				return false
			}
			said := lines(string(out))
			return strings.Contains(o.must("top", "--limit", "0", said[len(said)-1]), "waitInLoop")
		})
		if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		l.over = true
		_ = l.cmd.Wait()
		if code := l.cmd.ProcessState.ExitCode(); code != 128+15 || !strings.Contains(l.stdout.String(), "waitInLoop") {
			t.Errorf("%s: exit code %d, tables %q: %s", output, code, l.stdout, l.stderr)
		}
	}
}
