// Package programs_test adds one line to programs that others wrote, and runs
// them: their own tests still pass, and the profile agrees with runtime/pprof's
// of the same run. The programs come from the module proxy at pinned versions,
// are changed in a temporary folder, and are no part of this repository.
package programs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A program is a module, and the function in it that gets our line.
type program struct {
	module, version, sum string // the sum as in go.sum
	file                 string
	function             string // its first line, up to the brace
}

const (
	ourLine  = ` defer profctx.Start("scope.prof")();`
	peerLine = ` defer peerProfile()();`
	peerFile = `

import (
	"os"
	"runtime/pprof"
)

// peerProfile is runtime/pprof's profile of the same run, to compare with.
func peerProfile() func() {
	f, err := os.Create(os.Getenv("PEER_PROFILE"))
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		panic(err)
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			panic(err)
		}
	}
}
`
)

// copied returns a folder with the program.
func (p program) copied(t *testing.T) string {
	t.Helper()
	var got struct{ Dir, Sum, Error string }
	// In a folder without a go.mod, so that the version is ours to say.
	out := goRun(t, t.TempDir(), nil, "mod", "download", "-json", p.module+"@"+p.version)
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Error != "" {
		t.Fatalf("%s: %v %s", p.module, err, got.Error)
	}
	if got.Sum != p.sum {
		t.Fatalf("%s@%s has the sum %s, want %s", p.module, p.version, got.Sum, p.sum)
	}
	dir := filepath.Join(t.TempDir(), "program")
	copyTree(t, got.Dir, dir)
	return dir
}

// root is the folder of this repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// patched returns a folder with the program and our line in it.
func (p program) patched(t *testing.T) string {
	t.Helper()
	dir := p.copied(t)
	goRun(t, dir, nil, "mod", "edit", "-require=github.com/profscope/profscope@v0.0.0", "-replace=github.com/profscope/profscope="+root(t))
	p.insert(t, dir, ourLine)
	clause := packageClause(t, filepath.Join(dir, p.file))
	replaceOnce(t, filepath.Join(dir, p.file), clause, clause+` import profctx "github.com/profscope/profscope/context"`)
	return dir
}

// withPeer adds runtime/pprof's profile to what patched returned.
func (p program) withPeer(t *testing.T, dir string) {
	t.Helper()
	p.insert(t, dir, peerLine)
	clause := packageClause(t, filepath.Join(dir, p.file))
	clause, _, _ = strings.Cut(clause, ";")
	if err := os.WriteFile(filepath.Join(dir, filepath.Dir(p.file), "profscope_peer.go"), []byte(clause+peerFile), 0o600); err != nil {
		t.Fatal(err)
	}
}

// insert puts a statement before all others of the function, on the line of
// its brace: the lines that a profile names stay the author's.
func (p program) insert(t *testing.T, dir, statement string) {
	t.Helper()
	replaceOnce(t, filepath.Join(dir, p.file), "\n"+p.function+" {", "\n"+p.function+" {"+statement)
}

// packageClause returns the line with the package's name, ready for one more
// declaration.
func packageClause(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "package ") {
			return strings.TrimSpace(line) + ";"
		}
	}
	t.Fatalf("%s has no package clause", file)
	return ""
}

func replaceOnce(t *testing.T, file, old, new string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	old = strings.TrimSuffix(old, ";")
	if n := bytes.Count(b, []byte(old)); n != 1 {
		t.Fatalf("%s has %q %d times, want once", file, old, n)
	}
	if err := os.WriteFile(file, bytes.Replace(b, []byte(old), []byte(new), 1), 0o600); err != nil {
		t.Fatal(err)
	}
}

// copyTree copies a module, whose files nobody may write, to a folder where we
// may.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// goRun runs the go command and returns its stdout. A test suite is tried three
// times: on a busy machine one that asserts upper bounds of time fails with or
// without a line of ours, and what a line of ours breaks fails each time.
func goRun(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	for try := 1; ; try++ {
		out, err := goOnce(t, dir, env, args...)
		switch {
		case err == nil:
			return out
		case errors.Is(err, exec.ErrNotFound):
			t.Skip("no go command to build with:", err)
		case try == 3 || args[0] != "test":
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// goOnce returns stdout, and after a failure stderr too.
func goOnce(t *testing.T, dir string, env []string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	// -mod=mod adds what we need to the program's go.mod, as go get would.
	cmd.Env = append(append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off"), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String() + stderr.String(), err
	}
	return stdout.String(), nil
}
