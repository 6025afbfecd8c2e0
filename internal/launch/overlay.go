package launch

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

//go:embed stub/*.go stub/std/*
var recorder embed.FS

// Names in the overlay: of the recorder's package, and of the file that a main
// package, or a package's tests, get. Releases before Go 1.26 see no package
// that an overlay alone has, and vet works in the package's folder: so it is
// one that there is, which without the memory sanitizer is empty.
const (
	stubPackage = "runtime/msan"
	addedFile   = "zz_profscope_recorder.go"
	addedTest   = "zz_profscope_recorder_test.go"
)

// oldest is the first release whose exit hooks the recorder can use.
const oldest = 23

// overlay is the folder with what the build adds.
type overlay struct {
	file  string   // for -overlay
	added []string // files that must be named on the command line
	mains int
}

// newOverlay writes into dir what adds the recorder to the command's packages.
func (g *goCommand) newOverlay(ctx context.Context, dir string) (*overlay, error) {
	if len(g.packages) == 1 && g.verb == "run" && strings.Contains(g.packages[0], "@") {
		return nil, fmt.Errorf("go run %s %w: a package@version is outside of every module: in a module of its own, go get it and go run it without the version", g.packages[0], ErrCommand)
	}
	env, err := g.env(ctx)
	if err != nil {
		return nil, err
	}
	if err := env.usable(g.verb); err != nil {
		return nil, err
	}
	if below(env.GOROOT, env.GOMODCACHE) {
		if err := g.aliasCache(env); err != nil {
			return nil, err
		}
	}
	replace, err := g.theirOverlay(env)
	if err != nil {
		return nil, err
	}
	ps, err := g.list(ctx)
	if err != nil {
		return nil, err
	}
	o := &overlay{file: filepath.Join(dir, "overlay.json")}
	if err := addRecorder(replace, env.GOROOT, dir); err != nil {
		return nil, err
	}
	for _, p := range ps {
		name, pkg := "", ""
		switch {
		case p.Dir == "":
			continue // go build tells what is wrong with it
		case g.verb != "test":
			if p.Name == "main" {
				name, pkg = addedFile, "main"
			}
		case len(p.TestGoFiles) > 0:
			name, pkg = addedTest, p.Name
		case len(p.XTestGoFiles) > 0:
			name, pkg = addedTest, p.Name+"_test"
		}
		if name == "" {
			continue
		}
		o.mains++
		at := filepath.Join(p.Dir, name)
		if below(p.Dir, env.GOMODCACHE) {
			return nil, fmt.Errorf("%s %w: it is in the module cache, which the go command lets nobody overlay: in a copy of its source, or from a vendor folder, it can be", p.ImportPath, ErrCommand)
		}
		if p.ImportPath == "command-line-arguments" {
			// The go command wants the folder spelled as for the other files.
			o.added = append(o.added, filepath.Join(filepath.Dir(g.packages[0]), name))
		}
		if replace[at], err = write(dir, "import_"+pkg+".go", "package "+pkg+"\n\nimport _ \""+stubPackage+"\"\n"); err != nil {
			return nil, err
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	return o, os.WriteFile(o.file, b, 0o600)
}

// elsewhere are the recorder's files that open a door in another package of
// the standard library.
var elsewhere = map[string]string{"others.go": "os/signal", "tracer.go": "runtime/trace", "taken.go": "runtime/trace"}

// addRecorder puts the recorder into the standard library's tree. What is in
// std/ replaces a file of the same name.
func addRecorder(replace map[string]string, goroot, dir string) error {
	for _, sub := range []string{"stub", "stub/std"} {
		entries, err := recorder.ReadDir(sub)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.IsDir() || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			b, err := recorder.ReadFile(path.Join(sub, e.Name()))
			if err != nil {
				return err
			}
			name := strings.TrimSuffix(e.Name(), ".txt")
			at := filepath.Join(goroot, "src", filepath.FromSlash(stubPackage), "zz_"+name)
			b = bytes.Replace(b, []byte("package stub\n"), []byte("package "+path.Base(stubPackage)+"\n"), 1)
			if pkg, ok := elsewhere[name]; ok {
				at = filepath.Join(goroot, "src", filepath.FromSlash(pkg), "zz_profscope_"+name)
			}
			if replace[at], err = write(dir, name, string(b)); err != nil {
				return err
			}
		}
	}
	return nil
}

func write(dir, name, text string) (string, error) {
	at := filepath.Join(dir, name)
	return at, os.WriteFile(at, []byte(text), 0o600)
}

// usable tells why this toolchain cannot build what this machine records.
func (e goEnv) usable(verb string) error {
	if verb != "build" && (e.GOOS != e.GOHOSTOS || e.GOARCH != e.GOHOSTARCH) {
		return fmt.Errorf("GOOS=%s GOARCH=%s %w: the program must run on this machine, which is %s/%s", e.GOOS, e.GOARCH, ErrCommand, e.GOHOSTOS, e.GOHOSTARCH)
	}
	if minor, ok := minorOf(e.GOVERSION); ok && minor < oldest {
		return fmt.Errorf("%s %w: the recorder needs go1.%d or later; GOTOOLCHAIN chooses one and leaves the program's language version as it is", e.GOVERSION, ErrCommand, oldest)
	}
	return nil
}

// minorOf returns the 26 of "go1.26.8".
func minorOf(version string) (int, bool) {
	rest, ok := strings.CutPrefix(version, "go1.")
	if !ok {
		return 0, false
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		rest = rest[:end]
	}
	n, err := strconv.Atoi(rest)
	return n, err == nil
}

// theirOverlay reads the user's own -overlay: there can be only one.
func (g *goCommand) theirOverlay(env goEnv) (map[string]string, error) {
	name := g.overlay
	for _, f := range strings.Fields(env.GOFLAGS) {
		if v, ok := strings.CutPrefix(strings.TrimLeft(f, "-"), "overlay="); ok && name == "" {
			name = v
		}
	}
	all := map[string]string{}
	if name == "" {
		return all, nil
	}
	base, err := g.folder()
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(base, name)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("the command's own -overlay: %w", err)
	}
	var theirs struct{ Replace map[string]string }
	if err := json.Unmarshal(b, &theirs); err != nil {
		return nil, fmt.Errorf("the command's own -overlay %s: %w", name, err)
	}
	abs := func(p string) string {
		if p == "" || filepath.IsAbs(p) {
			return p
		}
		return filepath.Join(base, p)
	}
	for from, to := range theirs.Replace {
		all[abs(from)] = abs(to)
	}
	return all, nil
}

// folder is where the go command works.
func (g *goCommand) folder() (string, error) {
	if len(g.dir) == 2 {
		return filepath.Abs(g.dir[1])
	}
	return os.Getwd()
}

// filesLast reports whether files can be added to the command line: beside
// files, a package cannot be named.
func (g *goCommand) filesLast() bool {
	return slices.ContainsFunc(g.packages, func(p string) bool { return strings.HasSuffix(p, ".go") })
}
