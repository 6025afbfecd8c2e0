package profscope_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// The documents' code is compiled and their commands are executed, so that
// none of them can rot. CONTRIBUTING.md ("Code in documents") has the
// convention; it is this:
//
//	```go            a file if it begins with a package clause, else a fragment:
//	                 declarations, or statements of a function
//	<!-- with ... -->           before a fragment: declarations that it needs
//	<!-- not compiled: why -->  before a block that cannot be
//	```sh run        executed by sh -eu at the root of a copy of the tree, in
//	                 the order of the document
//	```sh            not executed: it serves, waits, or is not ours

// documents are the Markdown files whose blocks are held to it. A generated
// report is no document.
func documents(t *testing.T) []string {
	t.Helper()
	var files []string
	err := walkFiles(func(file string) {
		if filepath.Ext(file) == ".md" && filepath.Base(file) != "RESULTS.md" {
			files = append(files, file)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// known are the packages that a fragment may name without importing them.
var known = map[string]string{
	"cprofile":    module + "/cprofile",
	"profctx":     module + "/context",
	"httpprofile": module + "/httpprofile",
	"profile":     "github.com/pkg/profile",
	"fgprof":      "github.com/felixge/fgprof",
	"pprof":       "runtime/pprof",
	"trace":       "runtime/trace",
	"http":        "net/http",
	"slog":        "log/slog",
	"json":        "encoding/json",
	"sql":         "database/sql",
	"signal":      "os/signal",
	"rand":        "math/rand/v2",
	"atomic":      "sync/atomic",
}

func init() {
	for _, name := range []string{"bytes", "context", "errors", "fmt", "io", "log", "os", "runtime", "sort", "strconv", "strings", "sync", "syscall", "testing", "time"} {
		known[name] = name
	}
}

// TestReadmeGo compiles the Go blocks. Each becomes a package of its own in a
// copy of the module: what it imports has the versions that the module has.
func TestReadmeGo(t *testing.T) {
	var tree string
	n := 0
	for _, doc := range documents(t) {
		for _, b := range readBlocks(t, doc) {
			if b.info != "go" {
				continue
			}
			if reason, ok := strings.CutPrefix(b.note, "not compiled:"); ok {
				if strings.TrimSpace(reason) == "" {
					t.Errorf("%s: `not compiled` without a reason", b)
				}
				continue
			}
			src, err := goFile(b)
			if err != nil {
				t.Error(err)
				continue
			}
			if tree == "" {
				tree = copyTree(t)
			}
			n++
			dir := filepath.Join(tree, "readme_blocks", fmt.Sprintf("b%d", n))
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			name := "block.go"
			if strings.Contains(src, "*testing.") {
				name = "block_test.go"
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(src), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n == 0 {
		t.Skip("no document has a Go block yet")
	}
	// vet compiles too, and needs no link; it takes all blocks at once.
	cmd := exec.CommandContext(t.Context(), "go", "vet", "./readme_blocks/...")
	cmd.Dir = tree
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%d blocks: %v\n%s", n, err, out)
	}
	t.Logf("compiled %d blocks", n)
}

// TestReadmeCommands executes the blocks marked `sh run`, those of one document
// after each other in one copy of the tree: a later command may look at a
// file that an earlier one left.
func TestReadmeCommands(t *testing.T) {
	const inside = "PROFSCOPE_README_TEST"
	if os.Getenv(inside) != "" {
		t.Skip("a document's command runs this test")
	}
	if testing.Short() {
		t.Skip("-short")
	}
	if runtime.GOOS == "windows" {
		t.Skip("the documents' commands are for sh")
	}
	n := 0
	for _, doc := range documents(t) {
		var tree string
		for _, b := range readBlocks(t, doc) {
			if b.info != "sh run" {
				continue
			}
			if tree == "" {
				tree = copyTree(t)
			}
			n++
			out, err := runBlock(t.Context(), tree, b, inside+"=1")
			if err != nil {
				t.Errorf("%s: %v\n%s\nprinted:\n%s", b, err, b.text, out)
			} else {
				t.Logf("%s: %s\nprinted %d bytes", b, strings.TrimSpace(b.text), len(out))
			}
		}
	}
	if n == 0 {
		t.Skip("no document has a block marked `sh run` yet")
	}
}

func runBlock(ctx context.Context, dir string, b block, env ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-eu")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = strings.NewReader(b.text)
	cmd.WaitDelay = 5 * time.Second // a command left in the background keeps the output open
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return out, err
}

func readBlocks(t *testing.T, file string) []block {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return blocksOf(file, string(text))
}

// goFile makes a Go file of a block: as it is, or a fragment completed.
// Line directives make the compiler's errors point into the document.
//
//  1. A block with a package clause is left alone.
//  2. Else it is tried as declarations, then as statements of a function.
//  3. What stands before it in <!-- with ... --> is added behind it.
//  4. Packages that are named, known and not imported are imported.
func goFile(b block) (string, error) {
	at := fmt.Sprintf("//line %s:%d\n", b.file, b.line)
	if _, err := parser.ParseFile(token.NewFileSet(), "", b.text, parser.PackageClauseOnly); err == nil {
		return at + b.text, nil
	}
	var with string
	if rest, ok := strings.CutPrefix(b.note, "with"); ok {
		with = fmt.Sprintf("//line %s:%d\n%s\n", b.file, b.line, rest)
	}
	var firstErr error
	for _, body := range []string{
		at + b.text + with,
		"func _() {\n" + at + b.text + "}\n" + with,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "", "package fragment\n"+body, parser.SkipObjectResolution)
		if err == nil {
			return "package fragment\n" + importsFor(f) + body, nil
		}
		firstErr = errors.Join(firstErr, err)
	}
	return "", fmt.Errorf("%s: neither a file nor declarations nor statements: %w", b, firstErr)
}

// importsFor returns import declarations for the known packages that f names
// and does not import.
func importsFor(f *ast.File) string {
	have := map[string]bool{}
	for _, spec := range f.Imports {
		if spec.Name != nil {
			have[spec.Name.Name] = true
		} else {
			have[path.Base(strings.Trim(spec.Path.Value, `"`))] = true
		}
	}
	var lines []string
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && known[x.Name] != "" && !have[x.Name] && sel.Sel.IsExported() {
				have[x.Name] = true
				lines = append(lines, fmt.Sprintf("import %s %q\n", x.Name, known[x.Name]))
			}
		}
		return true
	})
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func TestGoFile(t *testing.T) {
	for _, tt := range []struct{ name, note, text, want string }{
		{"a file", "", "package main\nfunc main() {}\n",
			"//line d.md:9\npackage main\nfunc main() {}\n"},
		{"declarations", "", "var d = time.Second\n",
			"package fragment\nimport time \"time\"\n//line d.md:9\nvar d = time.Second\n"},
		{"statements, and what they need", "with\nvar db = fmt.Sprint()", "os.Exit(len(db))\n",
			"package fragment\nimport fmt \"fmt\"\nimport os \"os\"\nfunc _() {\n//line d.md:9\nos.Exit(len(db))\n}\n//line d.md:9\n\nvar db = fmt.Sprint()\n"},
		{"its own import wins", "", "import profctx \"context\"\nvar b = profctx.Background\n",
			"package fragment\n//line d.md:9\nimport profctx \"context\"\nvar b = profctx.Background\n"},
	} {
		got, err := goFile(block{"d.md", 9, "go", tt.note, tt.text})
		if err != nil || got != tt.want {
			t.Errorf("%s: %v\ngot\n%s\nwant\n%s", tt.name, err, got, tt.want)
		}
	}
	if src, err := goFile(block{"d.md", 9, "go", "", "stop := ...\n"}); err == nil {
		t.Errorf("no error for a block that is no Go:\n%s", src)
	}
}

func TestRunBlock(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the documents' commands are for sh")
	}
	for _, tt := range []struct {
		text string
		ok   bool
	}{
		{"echo $WHO > f\ngrep -q me f\n", true},
		{"false\ntrue\n", false},
		{"echo $UNSET_NAME\n", false},
	} {
		out, err := runBlock(t.Context(), t.TempDir(), block{text: tt.text}, "WHO=me")
		if (err == nil) != tt.ok {
			t.Errorf("%q: %v\n%s", tt.text, err, out)
		}
	}
}

// copyTree copies the files of the working tree, so that what a command leaves
// behind does not stay in it. Hidden files (the repository above all) and
// files that no source tree has are left out.
func copyTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || file == "." {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		to := filepath.Join(dir, file)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
