package launch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// goCommand is a command line of the go command, taken apart.
type goCommand struct {
	tool     string   // argv[0]
	dir      []string // -C folder, which must be the first flag
	verb     string   // run, test or build
	flags    []string // of the build, without -exec and -overlay
	packages []string // or files
	args     []string // of the program
	exec     string   // -exec
	overlay  string   // -overlay
	named    map[string]bool
	more     []string // environment of the go command
}

// boolFlags take no value unless it is joined by "=".
var boolFlags = strings.Fields("a n race msan asan cover v work x linkshared modcacherw trimpath json buildvcs c i short failfast benchmem fullpath artifacts")

var goName = regexp.MustCompile(`^go(1\.[0-9]+(\.[0-9]+|rc[0-9]+|beta[0-9]+)?|tip)?(\.exe)?$`)

// isGo reports whether the command line is one of the go command.
func isGo(argv []string) bool { return goName.MatchString(filepath.Base(argv[0])) }

// ErrCommand is the error for a command line that cannot be recorded.
var ErrCommand = errors.New("cannot be recorded")

// parseGo takes the command line apart:
//
//  1. go [-C dir] verb flags...
//  2. run: file.go... or one package; the rest is the program's.
//  3. test: packages and flags; -args begins the test binary's.
//  4. build: packages.
func parseGo(argv []string) (*goCommand, error) {
	g := &goCommand{tool: argv[0], named: map[string]bool{}}
	rest := argv[1:]
	if len(rest) > 0 && (rest[0] == "-C" || rest[0] == "--C") && len(rest) > 1 {
		g.dir, rest = []string{"-C", rest[1]}, rest[2:]
	}
	if len(rest) == 0 || !slices.Contains([]string{"run", "test", "build"}, rest[0]) {
		return nil, fmt.Errorf("%s %w: go run, go test and go build can be, and binaries that go build made under profscope profile", strings.Join(argv, " "), ErrCommand)
	}
	g.verb, rest = rest[0], rest[1:]
	for len(rest) > 0 {
		a := rest[0]
		if a == "-args" || a == "--args" {
			g.args = rest
			return g, nil
		}
		if len(a) < 2 || a[0] != '-' {
			if g.verb == "run" {
				n := 1
				if strings.HasSuffix(a, ".go") {
					for n < len(rest) && strings.HasSuffix(rest[n], ".go") {
						n++
					}
				}
				g.packages, g.args = rest[:n], rest[n:]
				return g, nil
			}
			g.packages, rest = append(g.packages, a), rest[1:]
			continue
		}
		n := 1
		name, value, joined := strings.Cut(strings.TrimPrefix(a[1:], "-"), "=")
		if !joined && !slices.Contains(boolFlags, strings.TrimPrefix(name, "test.")) && len(rest) > 1 {
			value, n = rest[1], 2
		}
		switch g.named[name] = true; name {
		case "C":
			g.dir = []string{"-C", value}
		case "exec":
			g.exec = value
		case "overlay":
			g.overlay = value
		default:
			g.flags = append(g.flags, rest[:n]...)
		}
		rest = rest[n:]
	}
	if g.verb == "run" {
		return nil, fmt.Errorf("go run %w: it names no package and no file", ErrCommand)
	}
	return g, nil
}

// argv is the command line again, with more flags.
func (g *goCommand) argv(files []string, flags ...string) []string {
	argv := append([]string{g.tool}, g.dir...)
	argv = append(append(append(argv, g.verb), flags...), g.flags...)
	argv = append(append(argv, g.packages...), files...)
	return append(argv, g.args...)
}

// listFlags are those of the build that decide which files a package has.
func (g *goCommand) listFlags() []string {
	var fs []string
	for i := 0; i < len(g.flags); i++ {
		name, _, joined := strings.Cut(strings.TrimLeft(g.flags[i], "-"), "=")
		switch name {
		case "tags", "mod", "modfile", "compiler":
			fs = append(fs, g.flags[i])
			if !joined && i+1 < len(g.flags) {
				fs = append(fs, g.flags[i+1])
				i++
			}
		case "race", "msan", "asan", "modcacherw":
			fs = append(fs, g.flags[i])
		}
	}
	return fs
}

// goEnv is what the go command says of itself in the program's folder: a
// go.mod may choose another toolchain.
type goEnv struct {
	GOROOT, GOVERSION, GOMODCACHE, GOFLAGS string
	GOOS, GOARCH, GOHOSTOS, GOHOSTARCH     string
}

func (g *goCommand) env(ctx context.Context) (e goEnv, err error) {
	out, err := g.ask(ctx, "env", "-json", "GOROOT", "GOVERSION", "GOMODCACHE", "GOFLAGS", "GOOS", "GOARCH", "GOHOSTOS", "GOHOSTARCH")
	if err == nil {
		err = json.Unmarshal(out, &e)
	}
	return e, err
}

// goPackage is what is asked of go list.
type goPackage struct {
	Dir, ImportPath, Name     string
	TestGoFiles, XTestGoFiles []string
}

func (g *goCommand) list(ctx context.Context) ([]goPackage, error) {
	args := []string{"list", "-e", "-json=Dir,ImportPath,Name,TestGoFiles,XTestGoFiles"}
	out, err := g.ask(ctx, append(append(args, g.listFlags()...), g.packages...)...)
	if err != nil {
		return nil, err
	}
	var ps []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); err == io.EOF {
			return ps, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		ps = append(ps, p)
	}
}

// ask runs the go command and returns what it prints; its complaints are the
// error.
func (g *goCommand) ask(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, g.tool, append(append([]string{}, g.dir...), args...)...)
	cmd.Env = append(os.Environ(), g.more...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if said := strings.TrimSpace(stderr.String()); said != "" {
			return nil, fmt.Errorf("%s %s: %s", g.tool, args[0], said)
		}
		return nil, fmt.Errorf("%s %s: %w", g.tool, args[0], err)
	}
	return out, nil
}

// quoted is a field of the go command's -exec, which knows quotes and no
// escapes.
func quoted(s string) string {
	if !strings.Contains(s, "'") {
		return "'" + s + "'"
	}
	return `"` + s + `"`
}

// fields splits as the go command does.
func fields(s string) (fs []string, err error) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		end := strings.IndexAny(s, " \t\n")
		if q := s[0]; q == '"' || q == '\'' {
			i := strings.IndexByte(s[1:], q)
			if i < 0 {
				return nil, errors.New("a quote is not closed")
			}
			fs, s = append(fs, s[1:i+1]), s[i+2:]
			continue
		}
		if end < 0 {
			end = len(s)
		}
		fs, s = append(fs, s[:end]), s[end:]
	}
	return fs, nil
}
