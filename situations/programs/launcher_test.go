//go:build unix

package programs_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/pprof/profile"
)

// The launcher on five programs that never heard of profscope: what they print
// and how they end is what it is without it, their sources do not change, and
// the profile names their functions.

var (
	jq = program{
		module: "github.com/itchyny/gojq", version: "v0.12.17", sum: "h1:8av8eGduDb5+rvEdaOO+zQUjA04MS0m3Ps8HiD+fceg=",
	}
	minify = program{
		module: "github.com/tdewolff/minify/v2", version: "v2.24.25", sum: "h1:KY1wnYYqW3xzeV8gWXgofpNGrdhivhZW3Pg7HNp/5PY=",
	}
	minifyParse = program{
		module: "github.com/tdewolff/parse/v2", version: "v2.8.20", sum: "h1:eU+UStwuoeHnXdaSBIoEfNnj33URx24gJDdNViHHYwM=",
	}
)

// launcher returns the command line's file, built once for all tests.
func launcher(t *testing.T) string {
	t.Helper()
	launcherOnce.Do(func() {
		exe := filepath.Join(scratch, "profscope")
		goRun(t, root(t), []string{"GOFLAGS="}, "build", "-o", exe, "./cmd/profscope")
		launcherExe = exe
	})
	if launcherExe == "" {
		t.Fatal("the command line was not built")
	}
	return launcherExe
}

var (
	scratch      string // folder of the whole run
	launcherOnce sync.Once
	launcherExe  string
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "profscope-programs-")
	if err != nil {
		panic(err)
	}
	scratch = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// ran is what became of a process.
type ran struct {
	code           int
	stdout, stderr string
}

func (r ran) String() string {
	return fmt.Sprintf("exit code %d, stdout %.300q, stderr %.300q", r.code, r.stdout, r.stderr)
}

func runIn(t *testing.T, dir, stdin string, env []string, argv ...string) ran {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, append(append(os.Environ(), "PWD="+dir), env...), strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// checksums returns the files below dir with their content's hash.
func checksums(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		fmt.Fprintf(&b, "%x %s\n", sha256.Sum256(text), name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// launchedLike runs a program under the launcher, compares it with what it did
// without, and returns the profiles.
func launchedLike(t *testing.T, want ran, dir, stdin string, env []string, argv ...string) []*profile.Profile {
	t.Helper()
	out := t.TempDir()
	before := checksums(t, dir)
	got := runIn(t, dir, stdin, env, append([]string{launcher(t), "profile", "-o", filepath.Join(out, "%n.prof")}, argv...)...)
	if checksums(t, dir) != before {
		t.Error("the sources have changed")
	}
	got.stderr = ourLines.ReplaceAllString(got.stderr, "")
	if got != want {
		t.Errorf("%v, and without the launcher %v", got, want)
	}
	files, err := filepath.Glob(filepath.Join(out, "*.prof"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no profile: %v", err)
	}
	var ps []*profile.Profile
	for _, f := range files {
		ps = append(ps, parse(t, f))
	}
	return ps
}

// ourLines are the launcher's own among the program's errors.
var ourLines = regexp.MustCompile(`profscope: .*\n`)

// TestLaunchVendored: a program that is built from its vendor folder, without a
// network, and ends with an exit code of its own.
func TestLaunchVendored(t *testing.T) {
	dir := jq.copied(t)
	goRun(t, dir, nil, "mod", "vendor")
	env := []string{"GOFLAGS=-mod=vendor", "GOPROXY=off", "GOWORK=off"}
	plain := filepath.Join(t.TempDir(), "plain")
	goRun(t, dir, env, "build", "-o", plain, "./cmd/gojq")
	query := []string{"-n", `[range(200000)] | map(. * 7 % 1000) | add | tostring | halt_error(7)`}
	want := runIn(t, dir, "", nil, append([]string{plain}, query...)...)
	if want.code != 7 || want.stderr == "" {
		t.Fatal(want)
	}
	ps := launchedLike(t, want, dir, "", env, append([]string{"go", "run", "./cmd/gojq"}, query...)...)
	named(t, ps[0], jq.module+".(*env).Next", "main.main")
}

// TestLaunchWorkspace: a program in a workspace with the sources of a library
// that it uses.
func TestLaunchWorkspace(t *testing.T) {
	dir := t.TempDir()
	for name, p := range map[string]program{"minify": minify, "parse": minifyParse} {
		if err := os.Rename(p.copied(t), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "go.work"), []byte("go 1.26.0\n\nuse (\n\t./minify\n\t./parse\n)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"GOWORK=", "GOFLAGS="}
	in := filepath.Join(dir, "minify")
	plain := filepath.Join(t.TempDir(), "plain")
	goRun(t, in, env, "build", "-o", plain, "./cmd/minify")
	page := "<html><body>" + strings.Repeat("<p class=\"a  b\">  some   text <b> bold </b> </p>\n", 200_000) + "</body></html>"
	want := runIn(t, in, page, nil, plain, "--type=html")
	if want.code != 0 || len(want.stdout) < len(page)/3 {
		t.Fatal(want)
	}
	ps := launchedLike(t, want, dir, page, env, "go", "run", "-C", "minify", "./cmd/minify", "--type=html")
	named(t, ps[0], minify.module+"/html.(*Minifier).Minify", minifyParse.module+"/html.(*Lexer).Next")
	for _, f := range ps[0].Function {
		if strings.HasPrefix(f.Name, minifyParse.module+"/html.") && !strings.HasPrefix(f.Filename, dir) {
			t.Errorf("%s is not from the workspace but from %s", f.Name, f.Filename)
		}
	}
}

// TestLaunchCommand: a command-line tool, a Lua.
func TestLaunchCommand(t *testing.T) {
	dir := lua.copied(t)
	if err := os.WriteFile(filepath.Join(dir, "x.lua"), []byte(script+"os.exit(3)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ps := launchedLike(t, ran{3, answer + "\n", ""}, dir, "", nil, "go", "run", "./cmd/glua", "x.lua")
	named(t, ps[0], lua.module+".mainLoop", lua.module+".(*LState).DoFile")
}

// TestLaunchServer: a server without cgo, which SIGTERM to the launcher ends.
func TestLaunchServer(t *testing.T) {
	dir, out := httpbin.copied(t), filepath.Join(t.TempDir(), "x.prof")
	before := checksums(t, dir)
	port := freePort(t)
	cmd := exec.CommandContext(t.Context(), launcher(t), "profile", "-o", out, "go", "run", "./cmd/go-httpbin", "-host", "127.0.0.1", "-port", port, "-log-level", "ERROR")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "PWD="+dir)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ask(t, "http://127.0.0.1:"+port, 1, 0)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, &said)
	}
	if left := ourLines.ReplaceAllString(said.String(), ""); left != "" {
		t.Errorf("the server printed %q", left)
	}
	if checksums(t, dir) != before {
		t.Error("the sources have changed")
	}
	const pkg = "github.com/mccutchen/go-httpbin/v2/httpbin"
	named(t, parse(t, out), pkg+".(*HTTPBin).Bytes", pkg+".(*HTTPBin).RequestWithBody")
}

// TestLaunchTests: a test suite, of which each package is a program.
func TestLaunchTests(t *testing.T) {
	dir := goldmark.copied(t)
	steady := func(s string) string { return elapsed.ReplaceAllString(s, "") }
	// The suite has upper bounds of time, which it lets a slow machine multiply.
	env := []string{"GOLDMARK_TEST_TIMEOUT_MULTIPLIER=100"}
	want := runIn(t, dir, "", env, "go", "test", "-count=1", "./...")
	if want.code != 0 {
		t.Fatal(want)
	}
	out := t.TempDir()
	before := checksums(t, dir)
	got := runIn(t, dir, "", env, launcher(t), "profile", "-o", filepath.Join(out, "%n.prof"), "go", "test", "./...")
	if checksums(t, dir) != before {
		t.Error("the sources have changed")
	}
	if got.code != 0 || steady(got.stdout) != steady(want.stdout) {
		t.Errorf("%v, and without the launcher %v", got, want)
	}
	files, err := filepath.Glob(filepath.Join(out, "*.prof"))
	if n := strings.Count(want.stdout, "\nok ") + 1; err != nil || len(files) != n {
		t.Errorf("%d profiles of %d test binaries, %v", len(files), n, err)
	}
	var all []*profile.Profile
	for _, f := range files {
		all = append(all, parse(t, f))
	}
	merged, err := profile.Merge(all)
	if err != nil {
		t.Fatal(err)
	}
	named(t, merged, goldmark.module+"/parser.(*parser).Parse", goldmark.module+".(*markdown).Convert")
}

// elapsed is what go test says of a package's time.
var elapsed = regexp.MustCompile(`\t[0-9.]+s`)
