package importer

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

func open(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func step(t testing.TB) *PyStats {
	t.Helper()
	s, err := CProfile(bytes.NewReader(open(t, "testdata/step.prof")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestCProfileProfile: flat times and calls are the file's, exactly, for each
// function and for each pair of caller and callee, and no pair is invented.
func TestCProfileProfile(t *testing.T) {
	t.Parallel()
	s := step(t)
	p := s.Profile()
	if err := p.CheckValid(); err != nil {
		t.Fatal(err)
	}
	type pairOf struct{ caller, callee string }
	name := func(f PyFunc) string {
		if f.File == "~" {
			return f.String()
		}
		return fmt.Sprint(f.File, f.Line, f.Name)
	}
	nameOf := func(l *profile.Location) string {
		f := l.Line[0].Function
		if f.Filename == "" {
			return f.Name
		}
		return fmt.Sprint(f.Filename, f.StartLine, f.Name)
	}
	self, cum, calls := map[string]int64{}, map[string]int64{}, map[string]int64{}
	edges := map[pairOf]int64{}
	deep := 0
	for _, x := range p.Sample {
		leaf := nameOf(x.Location[0])
		self[leaf] += x.Value[0]
		cum[leaf] += x.Value[1]
		calls[leaf] += x.Value[2]
		if len(x.Location) > 1 {
			edges[pairOf{nameOf(x.Location[1]), leaf}] += x.Value[0]
		}
		deep = max(deep, len(x.Location))
		for i := 1; i < len(x.Location); i++ {
			known := false
			for _, r := range s.Rows {
				if name(r.Func) != nameOf(x.Location[i-1]) {
					continue
				}
				for _, c := range r.Callers {
					known = known || name(c.Func) == nameOf(x.Location[i])
				}
			}
			if !known {
				t.Fatalf("%s calls %s, which the file does not have", nameOf(x.Location[i]), nameOf(x.Location[i-1]))
			}
		}
	}
	if deep < 5 {
		t.Errorf("the deepest path has %d frames", deep)
	}
	for _, r := range s.Rows {
		n := name(r.Func)
		if self[n] != nanos(r.Self) || cum[n] != nanos(r.Cum) || calls[n] != r.Calls {
			t.Errorf("%s: self %d, cumulative %d, %d calls; want %d, %d, %d", n, self[n], cum[n], calls[n], nanos(r.Self), nanos(r.Cum), r.Calls)
		}
		for _, c := range r.Callers {
			if got := edges[pairOf{name(c.Func), n}]; got != nanos(c.Self) {
				t.Errorf("%s called by %s: %d, want %d", n, name(c.Func), got, nanos(c.Self))
			}
		}
	}
}

func TestCProfileMerge(t *testing.T) {
	t.Parallel()
	a, b := step(t), step(t)
	a.Merge(b)
	calls, primitive, self := a.Totals()
	calls1, primitive1, self1 := b.Totals()
	if calls != 2*calls1 || primitive != 2*primitive1 || self < 1.999*self1 || self > 2.001*self1 || len(a.Rows) != len(b.Rows) {
		t.Errorf("%d %d %v of twice %d %d %v", calls, primitive, self, calls1, primitive1, self1)
	}
	if n := len(b.Rows[0].Callers); len(a.Rows[0].Callers) != n {
		t.Errorf("%d callers, want %d", len(a.Rows[0].Callers), n)
	}
}

// TestCProfilePythons reads what the Pythons that are here write, in every
// version of marshal.
func TestCProfilePythons(t *testing.T) {
	t.Parallel()
	pythons, _ := filepath.Glob(filepath.Join(os.Getenv("HOME"), ".pyenv/versions/*/bin/python"))
	if p, err := exec.LookPath("python3"); err == nil {
		pythons = append(pythons, p)
	}
	if len(pythons) == 0 {
		t.Skip("no Python here")
	}
	const program = `
import cProfile, marshal, sys
def fib(n): return n if n < 2 else fib(n-1) + fib(n-2)
p = cProfile.Profile(); p.enable(); fib(10); p.disable(); p.create_stats()
for v in range(5):
    with open(sys.argv[1] + str(v), 'wb') as f: f.write(marshal.dumps(p.stats, v))
`
	for i, python := range pythons {
		if exec.Command(python, "-c", "import sys; sys.exit(sys.version_info < (3, 8))").Run() != nil {
			continue
		}
		dir := t.TempDir()
		if out, err := exec.Command(python, "-c", program, filepath.Join(dir, "v")).CombinedOutput(); err != nil {
			t.Logf("%s: %v %s", python, err, out)
			continue
		}
		for v := range 5 {
			s, err := CProfile(bytes.NewReader(open(t, fmt.Sprintf("%s/v%d", dir, v))))
			if err != nil {
				t.Errorf("%d %s, marshal %d: %v", i, python, v, err)
				continue
			}
			found := false
			for _, r := range s.Rows {
				if r.Func.Name == "fib" {
					found = r.Calls == 177 && r.Primitive == 1 && len(r.Callers) == 1
				}
			}
			if !found {
				t.Errorf("%s, marshal %d: no fib of 177/1 calls in %v", python, v, s.Rows)
			}
		}
	}
}

func TestCProfileBad(t *testing.T) {
	t.Parallel()
	b := open(t, "testdata/step.prof")
	for n := range len(b) {
		if _, err := CProfile(bytes.NewReader(b[:n])); err == nil {
			t.Fatalf("cut at byte %d, and no error", n)
		}
	}
	for _, tt := range []struct{ in, want string }{
		{"", "byte 0"},
		{"c\x00\x00\x00\x00", "type 'c'"},
		{"i\x01\x00\x00\x00", "no dictionary"},
		{"{i\x01\x00\x00\x00N0", "no function"},
		{strings.Repeat("(\x01\x00\x00\x00", 200), "nested"},
		{"(\xff\xff\xff\x7f", "sequence of"},
		{"r\x05\x00\x00\x00", "reference"},
	} {
		if _, err := CProfile(strings.NewReader(tt.in)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.in, err, tt.want)
		}
	}
}

func TestFolded(t *testing.T) {
	t.Parallel()
	p, err := Folded(strings.NewReader("# comment\nmain;work;inner 5\nmain;work 2.6\r\n\nmain;a\\;b;c\\nd;e\\\\f;\\g 1\nmain;work;inner 7\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, s := range p.Sample {
		var names []string
		for _, l := range s.Location {
			names = append(names, l.Line[0].Function.Name)
		}
		got[strings.Join(names, "|")] += s.Value[0]
	}
	want := map[string]int64{"inner|work|main": 12, "work|main": 3, `\g|e\f|` + "c\nd|a;b|main": 1}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, bad := range []string{"", "main;work", "main;work x", "a;b 1\nmain;work NaN", "main;b 1e300", " 5"} {
		if _, err := Folded(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestV8(t *testing.T) {
	t.Parallel()
	p, err := V8(strings.NewReader(`{"nodes":[
		{"id":1,"callFrame":{"functionName":"(root)","url":"","lineNumber":-1},"children":[2,3]},
		{"id":2,"callFrame":{"functionName":"f","url":"a.js","lineNumber":4},"children":[4]},
		{"id":3,"callFrame":{"functionName":"","url":"a.js","lineNumber":9}},
		{"id":4,"callFrame":{"functionName":"g","url":"b.js","lineNumber":0}}],
		"startTime":1000,"endTime":2000,"samples":[4,3,4],"timeDeltas":[100,200,300]}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range p.Sample {
		var names []string
		for _, l := range s.Location {
			names = append(names, fmt.Sprint(l.Line[0].Function.Name, ":", l.Line[0].Line))
		}
		got = append(got, fmt.Sprint(names, s.Value))
	}
	want := "[[(anonymous):10] [1 300000] [g:1 f:5] [2 600000]]"
	if fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
	for _, bad := range []string{"", "{}", `{"nodes":[{"id":1},{"id":1}]}`, `{"nodes":[{"id":1,"children":[7]}]}`,
		`{"nodes":[{"id":1,"children":[2]},{"id":2,"children":[1]}],"samples":[1],"timeDeltas":[1]}`, `{"nodes":[{"id":1}],"samples":[9]}`} {
		if _, err := V8(strings.NewReader(bad)); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

// TestPprofCorpus reads google/pprof's own test profiles, or refuses what its
// reader refuses.
func TestPprofCorpus(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/google/pprof").Output()
	if err != nil {
		t.Skip("the go command does not tell where the module is: ", err)
	}
	dir := strings.TrimSpace(string(out))
	n := 0
	for _, pattern := range []string{"profile/testdata/*", "internal/driver/testdata/*"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				continue
			}
			_, want := profile.ParseData(b)
			p, err := Pprof(bytes.NewReader(b))
			if (err == nil) != (want == nil) {
				t.Errorf("%s: %v, its own reader: %v", name, err, want)
			}
			if err == nil && len(p.SampleType) > 0 {
				n++
			}
		}
	}
	if n < 20 {
		t.Skipf("only %d profiles in %s", n, dir)
	}
}

func FuzzCProfile(f *testing.F) {
	f.Add(open(f, "testdata/step.prof"))
	f.Add([]byte("{(\x03\x00\x00\x00z\x01fi\x01\x00\x00\x00z\x01g(\x05\x00\x00\x00i\x01\x00\x00\x00i\x01\x00\x00\x00g\x00\x00\x00\x00\x00\x00\x00\x00g\x00\x00\x00\x00\x00\x00\x00\x00{00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := CProfile(bytes.NewReader(b))
		if err != nil {
			return
		}
		if err := s.Profile().CheckValid(); err != nil {
			t.Error(err)
		}
	})
}

func FuzzFolded(f *testing.F) {
	f.Add("main;work;inner 5\nmain;a\\;b 2.5\n")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := Folded(strings.NewReader(s)); err == nil && p.CheckValid() != nil {
			t.Error(p.CheckValid())
		}
	})
}

func FuzzV8(f *testing.F) {
	f.Add(`{"nodes":[{"id":1,"callFrame":{"functionName":"f"},"children":[2]},{"id":2}],"samples":[2],"timeDeltas":[9],"endTime":5}`)
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := V8(strings.NewReader(s)); err == nil && p.CheckValid() != nil {
			t.Error(p.CheckValid())
		}
	})
}

func FuzzPprof(f *testing.F) {
	f.Add([]byte("heap profile: 1: 2 [3: 4] @ heapprofile\n 1: 2 [3: 4] @ 0x10 0x20\n"))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = Pprof(bytes.NewReader(b)) })
}
