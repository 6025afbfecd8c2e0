//go:build unix

package launch

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKills sends SIGKILL to the program, the launcher or an operator's client
// at random moments, PROFSCOPE_KILLS times (50): the program goes on without
// its launcher, a file is whole or not there, and nothing is left behind.
func TestKills(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("half a minute")
	}
	if _, err := exec.LookPath("ps"); err != nil {
		t.Skip("needs ps, to find the launcher's child")
	}
	rounds := 50
	if n, err := strconv.Atoi(os.Getenv("PROFSCOPE_KILLS")); err == nil {
		rounds = n
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := ends(t)
	exe := filepath.Join(dir, "ends")
	record(t, filepath.Join(dir, "none.prof"), nil, "go", "build", "-C", dir, "-o", exe, ".")
	tmp := t.TempDir()
	env := append(os.Environ(), "TMPDIR="+tmp)
	whole := 0
	for i := range rounds {
		victim := []string{"program", "launcher", "client"}[i%3]
		moment := time.Duration(rand.IntN(700)) * time.Millisecond
		out := filepath.Join(dir, strconv.Itoa(i)+".prof")
		cmd := exec.Command(self, childVerb, out, exe, "loop")
		// No pipe: the program holds it for longer than the launcher lives.
		said, err := os.Create(filepath.Join(tmp, "said"))
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env, cmd.Stderr = env, said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		child := childOf(t, cmd.Process.Pid, exe)
		time.Sleep(moment)
		seen := false // that a generation is whole: how fast a program gets to that is chance
		if victim != "launcher" && moment > 600*time.Millisecond {
			if ss, err := Find("profile-"+strconv.Itoa(child), false); err == nil {
				files, err := ss[0].Snapshot()
				seen = err == nil && len(files) > 0
			}
			time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
		}
		switch victim {
		case "program":
			kill(t, child)
		case "client":
			client := exec.Command(self, stopVerb, "profile-"+strconv.Itoa(child))
			client.Env = env
			if err := client.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(moment / 20)
			_ = client.Process.Kill()
			_ = client.Wait()
			kill(t, child)
		case "launcher":
			_ = cmd.Process.Kill()
		}
		_ = cmd.Wait()
		if victim == "launcher" {
			// The program has lost its launcher, and goes on.
			time.Sleep(50 * time.Millisecond)
			if err := syscall.Kill(child, 0); err != nil {
				t.Errorf("round %d: the program ended with its launcher: %v", i, err)
			}
			kill(t, child)
		}
		said.Close()
		words, err := os.ReadFile(said.Name())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(out); err == nil {
			parse(t, out)
			whole++
		} else if seen {
			t.Errorf("round %d: %s killed after %v and a snapshot: no file: %s", i, victim, moment, words)
		}
	}
	t.Logf("%d rounds, %d whole files", rounds, whole)
	if whole == 0 {
		t.Error("no round left a file")
	}
	left, err := filepath.Glob(filepath.Join(dir, ".profscope-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	ss, err := Sessions() // removes the sockets of the launchers that were killed
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range ss {
		if st, err := s.Status(); err == nil && strings.HasPrefix(st.Program, dir) {
			t.Errorf("session %s is there yet", s.Name)
		}
	}
}

// childOf waits until a process runs exe as its child. It may have others: the
// runtime forks one to see whether the kernel's pidfd works.
func childOf(t *testing.T, pid int, exe string) int {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(5 * time.Millisecond) {
		out, _ := exec.Command("ps", "-o", "pid=,args=", "--ppid", strconv.Itoa(pid)).Output()
		for line := range strings.Lines(string(out)) {
			id, args, _ := strings.Cut(strings.TrimSpace(line), " ")
			if n, err := strconv.Atoi(id); err == nil && strings.HasPrefix(strings.TrimSpace(args), exe) {
				return n
			}
		}
	}
	t.Fatalf("process %d has no child that runs %s", pid, exe)
	return 0
}
