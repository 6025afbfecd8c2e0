package profscope_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/profscope/profscope"

// A room is a package of the module and the rooms that it may import. Names
// are below the module path; "x/..." stands for x and all below it. A room
// may be listed before it is built.
//
// Tests of a room may import, beyond its row, every room that the row reaches
// by any number of steps: they feed a layer through those below it, never
// through those above. What a test needs from above is a test of the upper
// room, or of the root, whose tests see everything. Test functions that are
// Examples of a public door stand in that door.
type room struct {
	name    string
	imports []string
	why     string
}

var rooms = []room{
	{".", nil,
		"the map: no code, so that nobody imports it and everything may be explained in it"},
	{"cprofile", []string{"internal/session", "internal/ledger", "internal/dest", "internal/scratch"},
		"front door: options and values over session; ledger for the totals that Stats hands out; dest for what can be wrong with a destination"},
	{"context", []string{"cprofile", "internal/session", "internal/scratch"},
		"scoped door: cprofile's vocabulary; session, because Join marks a goroutine in the recording and that is kept out of cprofile's public surface"},
	{"httpprofile", []string{"cprofile", "context", "internal/session", "internal/dest", "internal/scratch"},
		"HTTP door: opens scopes like any program; of session the recordings of the whole process and their list, which are not public; of dest which endings there are"},
	{"cmd/profscope", []string{"httpprofile", "cprofile", "internal/launch", "internal/convert", "internal/importer", "internal/format", "internal/dest", "internal/ledger", "internal/chromium"},
		"the command line: thin verbs over convert, and the nouns to show what convert returns"},
	{"internal/launch", []string{"internal/launch/stub", "internal/convert", "internal/gotrace", "internal/dest", "internal/ledger"},
		"programs of strangers, recorded from outside: takes what the recorder in them streams, has it read, and writes it as convert does"},
	{"internal/launch/stub", nil,
		"the recorder that is linked into strangers' programs: the standard library alone, so that nothing of ours or of others comes with it"},
	{"internal/convert", []string{"internal/gotrace", "internal/importer", "internal/format", "internal/page", "internal/dest", "internal/ledger"},
		"files in, files and reports out, without a running recording: apart from report, so that a user of cprofile links no importer"},
	{"examples/...", []string{"examples/...", "cprofile", "context", "httpprofile"},
		"what a user may import and nothing else, so that every example can be copied"},
	{"bench/...", []string{"bench/...", "cprofile", "context", "httpprofile"},
		"measures the public doors: a figure got through an internal one would be no user's figure"},
	{"internal/session", []string{"internal/report", "internal/attrib", "internal/ledger", "internal/wire", "internal/launch/stub"},
		"owner of the recording: hands its bytes to report; of attrib only the categories, for the marks that the one writes are those that the other reads; of wire what a piece of the trace is, to see a flood and to split a ring; of the launcher the recorder, so that a program that links us can be launched without another build"},
	{"internal/report", []string{"internal/attrib", "internal/wire", "internal/format", "internal/dest", "internal/ledger"},
		"where the running recording, encoders and destinations meet: none of them knows another; of wire only where generations end, as a .trace file is cut there"},
	{"internal/attrib", []string{"internal/ledger", "internal/wire"},
		"a source of spans: knows the Go trace and the nouns, not what becomes of them"},
	{"internal/gotrace", []string{"internal/attrib", "internal/ledger", "internal/wire"},
		"Go traces from files, by x/exp/trace: apart from attrib, so that a user of cprofile does not link that parser, its ancestors' formats and its regular expressions, half a megabyte"},
	{"internal/importer", []string{"internal/ledger"},
		"a source of spans: knows foreign files and the nouns, not what becomes of them"},
	{"internal/format", []string{"internal/ledger"},
		"bytes from nouns: the same for every source and every destination"},
	{"internal/scratch", []string{"internal/session"},
		"folders for the profiles of tests, for tests alone: those of the three doors; of session only that it writes what is still due"},
	{"internal/chromium", nil,
		"a page in a headless browser, for tests alone: those of page, of timelines and of the command line"},
	{"internal/page", []string{"internal/chromium"},
		"a profile as one HTML page: apart from format, for it embeds the page's scripts, which a user of cprofile must not carry"},
	{"internal/dest", nil,
		"bytes to files: knows neither formats nor profiles, and could serve any program"},
	{"internal/wire", nil,
		"leaf: the runtime's own trace as events of goroutines, fast; knows nothing of scopes"},
	{"internal/ledger", nil,
		"leaf: the nouns that all the others speak"},
}

// A dependency is a package, with all below it, that only some rooms may
// import. Every import from outside the standard library needs a row; those of
// the standard library need one only where they are heavy or have a single
// owner.
type dependency struct {
	path  string
	rooms []string
	tests bool // the tests of any room may import it too
	why   string
}

var dependencies = []dependency{
	// The standard library's heavy or single-owner packages.
	{"runtime/trace", []string{"internal/session", "internal/launch/stub", "httpprofile", "bench/..."}, true,
		"one process-wide tracer, one owner; the launcher's recorder is the owner in programs of strangers; httpprofile serves it by HTTP, bench measures it bare"},
	{"runtime/pprof", []string{"internal/session", "internal/launch/stub", "httpprofile", "bench/..."}, true,
		"one process-wide CPU profiler, one owner; the launcher's recorder is the owner in programs of strangers; httpprofile serves it by HTTP, bench measures it bare"},
	{"net/http", []string{"httpprofile", "cmd/profscope", "bench/...", "examples/..."}, true,
		"4 MB in every binary: a user of cprofile must not pay for it; examples and bench are programs that serve"},

	// Readers and writers of profiles.
	{"golang.org/x/exp/trace", []string{"internal/gotrace"}, true,
		"one place to change when the trace's format or the parser's API does"},
	{"github.com/google/pprof/profile", []string{"internal/page", "internal/importer", "internal/convert", "cmd/profscope", "httpprofile"}, true,
		"reads every pprof file and rewrites those of others, and judges ours in tests; not in format, for with its regular expressions it is 200 KB in every program that links cprofile: the noun for a profile whose spans are not known, lossless for what other producers put in; a recording of ours is a ledger until it is encoded"},
	{"github.com/google/pprof/driver", []string{"cmd/profscope"}, false,
		"the viewer with its web server: only who asks for it on the command line links it"},

	// Other profilers.
	{"github.com/felixge/fgprof", []string{"httpprofile", "bench/..."}, false,
		"links net/http: served by HTTP, and a baseline of bench"},
	{"github.com/felixge/httpsnoop", []string{"httpprofile"}, false,
		"a ResponseWriter that is looked into and keeps what else it can do"},
	{"github.com/pkg/profile", []string{"cmd/profscope", "bench/..."}, false,
		"ends its host on an error: good for the command line to profile itself, and a baseline of bench"},

	// Parts.
	{"github.com/HdrHistogram/hdrhistogram-go", []string{"internal/ledger", "bench/..."}, true,
		"the distribution of calls, hidden behind ledger.Distribution"},
	{"github.com/rivo/uniseg", []string{"internal/format", "cmd/profscope", "bench/..."}, true,
		"the width of Unicode text: how something looks is format's business"},
	{"golang.org/x/term", []string{"internal/format", "internal/dest", "cmd/profscope", "examples/..."}, true,
		"the terminal's width: only who draws a table or owns stdout asks"},
	{"github.com/mattn/go-isatty", []string{"internal/format", "internal/dest", "cmd/profscope"}, true,
		"whether there is a terminal: only who draws a table or owns stdout asks"},
	{"github.com/natefinch/atomic", []string{"internal/dest"}, false,
		"a file is whole or untouched: dest's only promise"},
	{"golang.org/x/perf", []string{"bench/...", "internal/convert"}, false,
		"medians and their spread; benchstat's test for files compared"},
	{"github.com/spf13/cobra", []string{"cmd/profscope"}, true,
		"verbs, flags, and completion for three shells"},
	{"github.com/klauspost/compress", []string{"internal/convert"}, true,
		"zstd, which the standard library cannot read"},
	{"golang.org/x/sys", []string{"internal/dest", "internal/session", "internal/launch", "bench/..."}, true,
		"descriptors of stdout, signals, who is at the other end of a socket, and bench's clocks: system calls that syscall lacks"},

	{"github.com/spf13/pflag", []string{"examples/...", "cmd/profscope"}, true,
		"the flags of cobra; flags with two dashes, as the programs have that the serving examples stand beside"},
	{"github.com/schollz/progressbar/v3", []string{"examples/...", "cmd/profscope"}, true,
		"a bar on stderr for what takes longer than a second"},
	{"gonum.org/v1/gonum", []string{"examples/..."}, true,
		"the gamma distribution of the load's arrivals"},

	// Tests only.
	{"github.com/chromedp", []string{"internal/chromium"}, true, "headless chromium: a page is right when a browser says so"},
	{"github.com/google/go-cmp", nil, true, "readable differences"},
	{"github.com/rogpeppe/go-internal", nil, true, "testscript: the command line tested by scripts"},
	{"golang.org/x/tools", nil, true, "txtar: files inside a test's file"},
}

// TestArrows reads the imports of every Go file, whatever its build tags, and
// not what go list says: that shows one operating system at a time and takes
// a hundred times as long.
func TestArrows(t *testing.T) {
	for _, r := range rooms {
		if r.why == "" {
			t.Errorf("room %s has no reason", r.name)
		}
		for _, to := range r.imports {
			if rowOf(to) == nil {
				t.Errorf("room %s may import %s, which has no row", r.name, to)
			}
		}
	}
	for _, d := range dependencies {
		if d.why == "" {
			t.Errorf("dependency %s has no reason", d.path)
		}
		for _, r := range d.rooms {
			if rowOf(r) == nil {
				t.Errorf("dependency %s is for room %s, which has no row", d.path, r)
			}
		}
	}

	err := walkFiles(func(file string) {
		if filepath.Ext(file) != ".go" {
			return
		}
		name := path.Dir(filepath.ToSlash(file))
		r := rowOf(name)
		if r == nil {
			t.Errorf("%s: package %s has no row in rooms (arrows_test.go)", file, name)
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if msg := judge(r, name, imp, strings.HasSuffix(file, "_test.go")); msg != "" {
				t.Errorf("%s imports %s: %s", file, imp, msg)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestJudge shows that the table refuses what it is there to refuse.
func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		room, imp string
		test, ok  bool
		why       string
	}{
		{"cprofile", module + "/internal/session", false, true, "listed"},
		{"cprofile", module + "/internal/report", false, false, "reachable is not enough for code"},
		{"cprofile", module + "/internal/report", true, true, "reachable is enough for a test"},
		{"internal/dest", module + "/cprofile", true, false, "tests do not look up"},
		{"internal/ledger", module + "/internal/ledger", true, true, "an external test of itself"},
		{"examples/quickstart", module + "/internal/ledger", false, false, "examples see the doors only"},
		{"examples/pool", module + "/examples/pool/work", false, true, "below itself"},
		{".", module + "/internal/attrib", true, true, "the root's tests see everything"},
		{"cprofile", module + "/nowhere", false, false, "a room without a row"},
		{"cprofile", "net/http", false, false, "heavy"},
		{"cprofile", "net/http/httptest", true, true, "heavy, in a test"},
		{"cprofile", "net/httpx", false, true, "a prefix of the name is no parent"},
		{"internal/importer", "github.com/google/pprof/profile", false, true, "listed"},
		{"internal/format", "github.com/google/pprof/driver", true, false, "not even in tests"},
		{"internal/dest", "example.org/new", true, false, "a dependency without a row"},
		{"internal/dest", "io/fs", false, true, "the standard library, light"},
	} {
		msg := judge(rowOf(tt.room), tt.room, tt.imp, tt.test)
		if (msg == "") != tt.ok {
			t.Errorf("%s imports %s (test %v): %q, want allowed %v (%s)", tt.room, tt.imp, tt.test, msg, tt.ok, tt.why)
		}
	}
	if r := rowOf("internal/unheard"); r != nil {
		t.Errorf("internal/unheard has row %s", r.name)
	}
}

// judge returns why the package name, of room r, may not import imp, or "".
func judge(r *room, name, imp string, test bool) string {
	if to, ours := strings.CutPrefix(imp, module); ours && (to == "" || to[0] == '/') {
		to = strings.TrimPrefix(to, "/")
		if to == "" {
			to = "."
		}
		switch {
		case test && (name == "." || name == to):
			return ""
		case rowOf(to) == nil:
			return "it has no row in rooms (arrows_test.go)"
		case slices.ContainsFunc(r.imports, func(p string) bool { return covers(p, to) }):
			return ""
		case test && reaches(r, to, map[string]bool{}):
			return ""
		}
		return "no arrow from " + r.name + ", which is: " + r.why
	}
	for _, d := range dependencies {
		if !covers(d.path+"/...", imp) {
			continue
		}
		if test && (d.tests || name == ".") || slices.ContainsFunc(d.rooms, func(p string) bool { return covers(p, name) }) {
			return ""
		}
		return "not for " + name + ": " + d.why
	}
	if first, _, _ := strings.Cut(imp, "/"); strings.Contains(first, ".") {
		return "it has no row in dependencies (arrows_test.go)"
	}
	return ""
}

// reaches tells whether any chain of arrows leads from r to the package name.
func reaches(r *room, name string, seen map[string]bool) bool {
	if seen[r.name] {
		return false
	}
	seen[r.name] = true
	for _, to := range r.imports {
		if covers(to, name) {
			return true
		}
		if next := rowOf(to); next != nil && reaches(next, name, seen) {
			return true
		}
	}
	return false
}

// rowOf returns the row of a package, or of a pattern that is a row itself.
func rowOf(name string) *room {
	for i := range rooms {
		if rooms[i].name == name || covers(rooms[i].name, name) {
			return &rooms[i]
		}
	}
	return nil
}

// covers tells whether name is pattern, or below a pattern that ends in "/...".
func covers(pattern, name string) bool {
	parent, below := strings.CutSuffix(pattern, "/...")
	return name == parent || below && strings.HasPrefix(name, parent+"/")
}

// walkFiles calls f for every file of the module, but for what the go command
// leaves out of ./... too: nested modules, testdata, and names that begin with
// a dot or an underscore.
func walkFiles(f func(file string)) error {
	return filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || file == "." {
			return err
		}
		hidden := strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_")
		if !d.IsDir() {
			if !hidden {
				f(file)
			}
			return nil
		}
		if hidden || d.Name() == "testdata" || d.Name() == "vendor" {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil {
			return filepath.SkipDir
		}
		return nil
	})
}

// declares tells whether the package in dir has a function of that name.
func declares(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == name {
				return true
			}
		}
	}
	return false
}
