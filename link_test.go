package profscope_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// unlinked are the packages, each with all below it, that a user of the
// library must not find in the program.
var unlinked = []struct{ path, why string }{
	{"net/http", "4 MB, and handlers that register themselves in some of its users"},
	{"github.com/google/pprof/driver", "the viewer is for those who view"},
	{"github.com/google/pprof/internal/driver", "the viewer is for those who view"},
	{"github.com/pkg/profile", "ends its host on an error"},
	{"github.com/felixge/fgprof", "links net/http"},
	{"testing", "registers flags"},
}

// maxGrowth is what a minimal program's stripped binary may grow by. It is a
// promise of the README: linux/amd64, -ldflags='-s -w'.
const maxGrowth = 2_500_000

func TestNotLinked(t *testing.T) {
	needFunc(t)
	programs := []string{"./testdata/minimal"}
	if declares(t, "context", "Start") {
		programs = append(programs, "./context")
	}
	for _, program := range programs {
		deps := strings.Fields(string(goTool(t, nil, "list", "-deps", program)))
		if len(deps) < 10 {
			t.Errorf("%s: only %d dependencies listed", program, len(deps))
		}
		for _, dep := range deps {
			for _, u := range unlinked {
				if covers(u.path+"/...", dep) {
					t.Errorf("%s links %s: %s", program, dep, u.why)
				}
			}
		}
	}
}

func TestBinaryGrowth(t *testing.T) {
	needFunc(t)
	with, without := strippedSize(t, "./testdata/minimal"), strippedSize(t, "./testdata/baseline")
	growth := with - without
	t.Logf("stripped linux/amd64 binary: %d bytes without profscope, %d with: grows by %d of at most %d", without, with, growth, maxGrowth)
	if growth > maxGrowth {
		t.Errorf("a minimal program grows by %d bytes, want at most %d; `go tool nm -size -sort size` on an unstripped build shows by what", growth, maxGrowth)
	}
}

// needFunc skips tests of what a program links while there is nothing to link.
func needFunc(t *testing.T) {
	t.Helper()
	if !declares(t, "cprofile", "Func") {
		t.Skip("package cprofile has no Func yet")
	}
}

func strippedSize(t *testing.T, program string) int64 {
	t.Helper()
	out := filepath.Join(t.TempDir(), "program")
	// Without cgo: otherwise the number would depend on the machine's linker.
	env := []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"}
	goTool(t, env, "build", "-ldflags=-s -w", "-o", out, program)
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// goTool runs the go command at the root of the module, with additions to the
// environment, and returns its standard output.
func goTool(t *testing.T, env []string, args ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return stdout.Bytes()
}
