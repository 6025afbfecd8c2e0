//go:build unix

package dest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const childEnv = "DEST_TEST_CHILD"

// jobs are what the test binary does as a child of itself: what a process can
// only try on itself as a whole. An error ends the child with code 1.
var jobs = map[string]func(dir string) error{
	"broken stdout":               brokenStdout,
	"broken FIFO on descriptor 1": brokenFIFO,
	"write for ever":              writeForEver,
	"full at every byte":          fullAtEveryByte,
	"umask":                       umask,
	"stderr in a file":            stderrInFile,
}

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		if err := jobs[job](os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(t *testing.T, job, dir string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, dir)
	cmd.Env = append(os.Environ(), childEnv+"="+job)
	return cmd
}

func runChild(t *testing.T, job, dir string) {
	t.Helper()
	if out, err := child(t, job, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func brokenStdout(string) error {
	for _, name := range []string{"", "-", "/dev/stdout"} {
		err := put(name, "table")
		if !errors.Is(err, syscall.EPIPE) {
			return fmt.Errorf("%q: %v", name, err)
		}
		fmt.Fprintln(os.Stderr, err)
	}
	return nil
}

func brokenFIFO(dir string) error {
	name := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		return err
	}
	r, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	os.Stdout.Close()
	w, err := Open(name)
	if err != nil {
		return err
	}
	r.Close()
	w.Write([]byte("x"))
	if err = w.Commit(); !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("commit: %v", err)
	}
	fmt.Fprintln(os.Stderr, err)
	return nil
}

func umask(dir string) error {
	for _, c := range []struct{ mask, file, folder int }{
		{0, 0o600, 0o755}, {0o022, 0o600, 0o755}, {0o077, 0o600, 0o700}, {0o277, 0o400, 0o500},
	} {
		// The folder itself must let the file in, whatever the mask.
		name := filepath.Join(dir, fmt.Sprint(c.mask), "x.prof")
		syscall.Umask(c.mask)
		err := put(filepath.Join(dir, fmt.Sprint(c.mask, ".prof")), "new")
		if err == nil && c.folder&0o200 != 0 {
			err = put(name, "new")
		}
		syscall.Umask(0o022)
		if err != nil {
			return err
		}
		fi, err := os.Stat(filepath.Join(dir, fmt.Sprint(c.mask, ".prof")))
		if err != nil || fi.Mode() != os.FileMode(c.file) {
			return fmt.Errorf("mask %o: file has %v, %v", c.mask, fi.Mode(), err)
		}
		if fi, err := os.Stat(filepath.Dir(name)); err == nil && fi.Mode().Perm() != os.FileMode(c.folder) {
			return fmt.Errorf("mask %o: folder has %v", c.mask, fi.Mode())
		}
	}
	return nil
}

func TestUmask(t *testing.T) {
	t.Parallel()
	runChild(t, "umask", t.TempDir())
}

// fullAtEveryByte lets the file system take n bytes and no more, for every n
// of a small file and around the buffer's edges of a long one.
func fullAtEveryByte(dir string) error {
	name := filepath.Join(dir, "x.prof")
	if err := put(name, "old"); err != nil {
		return err
	}
	long := bytes.Repeat([]byte("0123456789abcdef"), 3*bufferBytes/16)
	try := func(content []byte, n int) error {
		var was syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
			return err
		}
		small := was
		small.Cur = uint64(n)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
			return err
		}
		err := put(name, string(content))
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
			return err
		}
		if !errors.Is(err, syscall.EFBIG) {
			return fmt.Errorf("limit %d of %d: %v", n, len(content), err)
		}
		got, err := os.ReadFile(name)
		if err != nil || string(got) != "old" {
			return fmt.Errorf("limit %d of %d: file holds %.40q, %v", n, len(content), got, err)
		}
		es, err := os.ReadDir(dir)
		if err != nil || len(es) != 1 {
			return fmt.Errorf("limit %d of %d: left %v, %v", n, len(content), es, err)
		}
		return nil
	}
	for n := range 200 {
		if err := try(long[:200], n); err != nil {
			return err
		}
	}
	for _, n := range []int{0, 1, bufferBytes - 1, bufferBytes, bufferBytes + 1, 2 * bufferBytes, len(long) - 1} {
		if err := try(long, n); err != nil {
			return err
		}
	}
	return nil
}

func TestFullAtEveryByte(t *testing.T) {
	t.Parallel()
	runChild(t, "full at every byte", t.TempDir())
}

// stderrInFile writes to an open file of the process by the system's name for
// it: it is added to, and keeps its place.
func stderrInFile(string) error {
	if _, err := os.Stat("/proc/self/fd/2"); err != nil {
		return nil
	}
	fmt.Fprint(os.Stderr, "before ")
	if err := Check("/dev/stderr"); err != nil {
		return err
	}
	return put("/dev/stderr", "table")
}

func TestStderrInFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := child(t, "stderr in a file", dir)
	cmd.Stderr = f
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/self/fd/2"); err != nil {
		t.Skip("no /proc here")
	}
	f.WriteString(" after")
	wantFile(t, f.Name(), "before table after")
	wantOnly(t, dir, "log")
}

const killSize = 300_000

func writeForEver(dir string) error {
	for i := 0; ; i++ {
		if err := put(filepath.Join(dir, "x.prof"), strings.Repeat(string(rune('a'+i%26)), killSize)); err != nil {
			return err
		}
		if i == 0 {
			fmt.Println("begun")
		}
	}
}

func TestSIGKILL(t *testing.T) {
	t.Parallel()
	rounds := 50
	if testing.Short() {
		rounds = 10
	}
	dir := t.TempDir()
	for i := range rounds {
		cmd := child(t, "write for ever", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		// Moments spread over a few writes' length.
		time.Sleep(time.Duration(i%17) * 150 * time.Microsecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		got, err := os.ReadFile(filepath.Join(dir, "x.prof"))
		if err != nil || len(got) != killSize || len(bytes.Trim(got, string(got[:1]))) != 0 {
			t.Fatalf("round %d: %d bytes, cut or mixed: %v", i, len(got), err)
		}
		es, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range es {
			if e.Name() == "x.prof" {
				continue
			}
			if !isTemp(e.Name(), cmd.Process.Pid) {
				t.Errorf("left over and not to be recognised: %q", e.Name())
			}
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
