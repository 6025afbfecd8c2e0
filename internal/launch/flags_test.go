//go:build unix

package launch

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/convert"
)

// TestRangeScope: of the recording, only the region that was asked for.
func TestRangeScope(t *testing.T) {
	t.Parallel()
	exe := parts(t)
	out := filepath.Join(t.TempDir(), "x.prof")
	record(t, out, func(o *Options) { o.Range = "scope:part" }, exe, "region")
	p := parse(t, out)
	if d := slept(p, "main.inside"); d < 30*time.Millisecond {
		t.Errorf("%v inside, which lasted 30ms", d)
	}
	if d := wall(p, "main.outside"); d != 0 {
		t.Errorf("%v outside", d)
	}
	var s said
	o := s.options(t, filepath.Join(t.TempDir(), "y.prof"))
	o.Range = "scope:another"
	if res, err := Run(t.Context(), []string{exe, "region"}, o); err == nil || len(res.Files) != 0 || res.Code != 0 {
		t.Errorf("a region that there is none of: %v, %v", res, err)
	}
}

// TestRangeSignal: SIGUSR1 to the launcher begins and ends, and the program
// sees none of it: it would end it.
func TestRangeSignal(t *testing.T) {
	t.Parallel()
	exe := parts(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("signal-%d", time.Now().UnixNano())
	out := filepath.Join(t.TempDir(), "x.prof")
	cmd := exec.Command(self, childVerb, out, exe, "linger")
	cmd.Env = append(os.Environ(), optionsVariable+`={"Range":"signal","Session":"`+name+`"}`)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var st Status
	until := func(what string, ok func() bool) {
		t.Helper()
		for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			if ss, err := Find(name, false); err == nil {
				st, err = ss[0].Status()
				if err == nil && len(st.Processes) == 1 && ok() {
					return
				}
			}
			if time.Since(begin) > time.Minute {
				_ = cmd.Process.Kill()
				t.Fatalf("never %s: %+v %s", what, st, &said)
			}
		}
	}
	signal := func() {
		t.Helper()
		if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
	}
	until("idle", func() bool { return st.State == "idle" })
	signal()
	until("recording", func() bool { return st.State == "recording" && st.Processes[0].Bytes > 0 })
	signal()
	until("written", func() bool { return st.State == "idle" && len(st.Files) == 1 })
	signal()
	until("recording again", func() bool { return st.State == "recording" && st.Processes[0].Bytes > 0 })
	signal()
	until("written again", func() bool { return len(st.Files) == 2 })
	kill(t, st.Processes[0].PID)
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 128+9 {
		t.Errorf("%v: %s", err, &said)
	}
	for _, f := range st.Files {
		parse(t, f.Path)
	}
	if first := filepath.Base(st.Files[0].Path); first != "x.prof" {
		t.Errorf("the first is %s", first)
	}
}

// TestNothingBegun: a run without a recording says so, and why; a failure it is
// not.
func TestNothingBegun(t *testing.T) {
	t.Parallel()
	exe := parts(t)
	for _, tt := range []struct {
		name, want string
		change     func(*Options)
	}{
		{"no signal", "profscope: nothing was recorded: no SIGUSR1 came to this process to begin a recording\n", func(o *Options) { o.Range = "signal" }},
		{"a delay", "profscope: nothing was recorded: the program ended before the delay of 1m0s was over\n", func(o *Options) { o.Delay = time.Minute }},
		{"from the start on", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res, s := record(t, filepath.Join(t.TempDir(), "x.prof"), tt.change, exe, "child")
			if got := s.ours.String(); got != tt.want || res.Code != 0 || (len(res.Files) == 0) != (tt.want != "") {
				t.Errorf("said %q, want %q; %+v", got, tt.want, res)
			}
		})
	}
}

// TestKillNone: when the duration is over the file is there, and the program
// goes on.
func TestKillNone(t *testing.T) {
	t.Parallel()
	r := steer(t, func(o *Options) { o.Duration, o.Kill = 300*time.Millisecond, "none" })
	r.until(t, func() bool { st, err := r.s.Status(); return err == nil && len(st.Files) == 1 })
	if err := syscall.Kill(r.pid(t), 0); err != nil {
		t.Errorf("the program has ended: %v", err)
	}
	parse(t, r.out)
}

// TestChildren: a program that the program starts records too, into a file of
// its own, and both make one profile.
func TestChildren(t *testing.T) {
	t.Parallel()
	exe := parts(t)
	dir := t.TempDir()
	for _, tt := range []struct {
		children bool
		argv     []string
		files    int
	}{
		{true, []string{exe, "parent", "child"}, 2},
		{true, []string{exe, "parent", "parent", "child"}, 3},
		{true, []string{"/bin/sh", "-c", exe + " child; " + exe + " child"}, 2},
		{false, []string{exe, "parent", "child"}, 1},
	} {
		res, _ := record(t, filepath.Join(dir, "%n-%p.prof"), func(o *Options) { o.Children = tt.children }, tt.argv...)
		if len(res.Files) != tt.files {
			t.Errorf("%v: %v, want %d files", tt.argv[1:], res.Files, tt.files)
			continue
		}
		var pids []int
		var ins []*convert.Input
		for _, f := range res.Files {
			pids = append(pids, f.PID)
			in, err := convert.Open(f.Path, convert.Options{})
			if err != nil {
				t.Fatal(err)
			}
			ins = append(ins, in)
		}
		slices.Sort(pids)
		if len(slices.Compact(pids)) != tt.files {
			t.Errorf("processes %v", pids)
		}
		if !tt.children {
			continue
		}
		var b bytes.Buffer
		if err := convert.Write(&b, ins, ".prof", convert.OutputOptions{}); err != nil {
			t.Fatal(err)
		}
		all, err := profile.Parse(&b)
		if err != nil {
			t.Fatal(err)
		}
		outsides := tt.files - 1
		want := map[string]time.Duration{"main.outside": time.Duration(outsides) * 30 * time.Millisecond, "main.child": 30 * time.Millisecond}
		if tt.argv[0] == "/bin/sh" {
			want = map[string]time.Duration{"main.child": 60 * time.Millisecond}
		}
		for fn, d := range want {
			if got := slept(all, fn); got < d {
				t.Errorf("%v: %v in %s, want %v at least", tt.argv[1:], got, fn, d)
			}
		}
	}
}

// TestWaitPrimary: the run ends with the program, and what the program has
// left behind goes on unrecorded.
func TestWaitPrimary(t *testing.T) {
	t.Parallel()
	exe := parts(t)
	res, _ := record(t, filepath.Join(t.TempDir(), "x.prof"), func(o *Options) { o.Children, o.WaitAll = true, false }, exe, "leave", "linger")
	if len(res.Files) != 2 {
		t.Fatalf("files %v", res.Files)
	}
	for _, f := range res.Files {
		p := parse(t, f.Path)
		if wall(p, "main.child") > 0 {
			if err := syscall.Kill(f.PID, 0); err != nil {
				t.Errorf("what was left behind has ended: %v", err)
			}
			kill(t, f.PID)
			return
		}
	}
	t.Error("no file of what was left behind")
}

// TestWaitAll: the run lasts as long as anything that it records.
func TestWaitAll(t *testing.T) {
	t.Parallel()
	exe := parts(t)
	var s said
	o := s.options(t, filepath.Join(t.TempDir(), "x.prof"))
	o.Children, o.Session = true, fmt.Sprintf("all-%d", time.Now().UnixNano())
	done := make(chan struct{})
	var res Result
	var err error
	var left int // process id of what was left alone
	go func() {
		defer close(done)
		res, err = Run(context.Background(), []string{exe, "leave", "linger"}, o)
	}()
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatal("the program has not left the other one alone")
		}
		ss, err := Find(o.Session, false)
		if err != nil {
			continue
		}
		st, err := ss[0].Status()
		if err != nil || len(st.Processes) != 2 {
			continue
		}
		// Neither their order, in which they came to us, nor their process ids tell
		// which is which: the one that has not ended, and its file shows whether
		// that was right.
		ended, there := st.Processes[0], st.Processes[1]
		if there.State == "ended" {
			ended, there = there, ended
		}
		if there.State == "ended" {
			t.Fatalf("what should linger has ended: %+v", st)
		}
		if ended.State == "ended" {
			select {
			case <-done:
				t.Error("the run is over, and a program that it records is not")
			default:
			}
			// Who is killed has what was whole by then.
			files, err := ss[0].Snapshot()
			if err != nil || len(files) != 1 || wall(parse(t, files[0].Path), "main.child") == 0 {
				continue
			}
			left = there.PID
			kill(t, left)
			break
		}
	}
	<-done
	if err != nil || len(res.Files) != 2 || res.Code != 0 {
		t.Fatalf("%v, %v", res, err)
	}
	for _, f := range res.Files {
		if lingered := wall(parse(t, f.Path), "main.child") > 0; lingered != (f.PID == left) {
			t.Errorf("process %d lingered: %t, and %d was left", f.PID, lingered, left)
		}
	}
}

// TestEnv: what --env-var adds the program sees, and nothing of the launcher's.
func TestEnv(t *testing.T) {
	t.Parallel()
	exe := parts(t)
	_, s := record(t, filepath.Join(t.TempDir(), "x.prof"), func(o *Options) { o.Env = []string{"A=1 2", "B=b"} }, exe, "env")
	if got := s.stdout.String(); got != "1 2 b 0\n" {
		t.Errorf("%q", got)
	}
}

// TestTables: a session holds nothing of a recording but its file's name, and
// the tables if they are wanted.
func TestTables(t *testing.T) {
	t.Parallel()
	exe := parts(t)
	for _, wanted := range []bool{false, true} {
		res, _ := record(t, filepath.Join(t.TempDir(), "x.prof"), func(o *Options) { o.Tables = wanted }, exe, "child")
		if len(res.Files) != 1 || (len(res.Files[0].Reports) > 0) != wanted {
			t.Errorf("wanted: %v, files %+v", wanted, res.Files)
		}
	}
}
