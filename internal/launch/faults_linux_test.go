package launch

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// launched runs the command under a launcher with an environment of its own.
func launched(t *testing.T, out string, env []string, argv ...string) (code int, said string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append([]string{childVerb, out}, argv...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = t.TempDir() // where what cannot be at out is written
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(b)
}

// TestLongSocketPath: where the sessions' folder is too deep for a socket the
// program is recorded and the launcher says why nobody can steer it; where the
// temporary folder is, another one is taken.
func TestLongSocketPath(t *testing.T) {
	t.Parallel()
	exe := parts(t)
	deep := filepath.Join(t.TempDir(), strings.Repeat("deep", 30))
	if err := os.Mkdir(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ variable, want string }{
		{"XDG_RUNTIME_DIR", "cannot be steered"},
		{"TMPDIR", ""},
	} {
		out := filepath.Join(t.TempDir(), "x.prof")
		code, said := launched(t, out, []string{tt.variable + "=" + deep}, exe, "child")
		if code != 0 || !strings.Contains(said, tt.want) || tt.want == "" && said != "" {
			t.Errorf("%s: exit code %d, %q", tt.variable, code, said)
		}
		parse(t, out)
	}
}

// TestFull: with no room for the recording the program does what it does
// without us, and the launcher says what is full.
func TestFull(t *testing.T) {
	t.Parallel()
	exe := parts(t)
	small := t.TempDir()
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("only root can make a small disk: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(small, unix.MNT_DETACH) })
	out := filepath.Join(t.TempDir(), "x.prof")
	code, said := launched(t, out, []string{"TMPDIR=" + small}, exe, "flood")
	if code != 99 || !strings.Contains(said, "no space left") || !strings.Contains(said, "TMPDIR") {
		t.Errorf("a recording that does not fit: exit code %d, %s", code, said)
	}
	code, said = launched(t, filepath.Join(small, "x.prof"), nil, exe, "child")
	if code != 0 {
		t.Errorf("a small profile on a small disk: exit code %d, %s", code, said)
	}
	code, said = launched(t, "/dev/full", nil, exe, "child")
	if code != 99 || !strings.Contains(said, "/dev/full") || !strings.Contains(said, "no space left") || !strings.Contains(said, "what was recorded is in ") {
		t.Errorf("/dev/full: exit code %d, %s", code, said)
	}
}

// TestAnotherUser: who is neither this user nor root gets no answer, even
// where the permissions of files would let him in.
func TestAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	const nobody = 65534
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "client")
	// A child that another test starts meanwhile would hold the file open for
	// writing: text file busy.
	syscall.ForkLock.RLock()
	err = os.WriteFile(exe, b, 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	o := (&said{}).options(t, "x.prof")
	path := filepath.Join(dir, "s.sock")
	l, err := listen(path, nil, newSession(&o).serve)
	if err != nil {
		t.Fatal(err)
	}
	defer l.end()
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, uid := range []uint32{0, nobody} {
		cmd := exec.Command(exe, askVerb, path)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, err := cmd.Output()
		if got := err == nil && bytes.Contains(out, []byte("state")); got != (uid == 0) {
			t.Errorf("user %d: %v %s", uid, err, out)
		}
		if uid == nobody && len(out) > 0 {
			t.Errorf("another user got %q", out)
		}
	}
}

// TestStopByMany: any number of operators stop the same recording at once, and
// each is told its file.
func TestStopByMany(t *testing.T) {
	t.Parallel()
	r := steer(t, nil)
	r.until(t, func() bool { _, err := r.s.Snapshot(); return err == nil })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			files, err := r.s.Stop()
			if err != nil || len(files) != 1 || files[0].Path != r.out {
				t.Errorf("%v, %v", files, err)
			}
		})
	}
	wg.Wait()
	parse(t, r.out)
}
