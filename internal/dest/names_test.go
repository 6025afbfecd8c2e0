package dest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var someVars = Vars{
	PID:   4711,
	Host:  "box",
	Start: time.Date(2026, 3, 4, 5, 6, 7, 8, time.FixedZone("", 3600)),
	Rank:  "3",
}

func TestExpand(t *testing.T) {
	t.Parallel()
	inDir := someVars
	inDir.Dir = filepath.FromSlash("out/dir")
	abs, err := filepath.Abs("x.prof")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pattern string
		v       Vars
		want    string
	}{
		{"x.prof", someVars, "x.prof"},
		{"%p-%h-%t-%n-%r%%.prof", someVars, "4711-box-20260304T040607-12-3%.prof"},
		{"%%n", someVars, "%n"},
		{"%n%n", someVars, "1212"},
		{"x%r%h", Vars{}, "x0localhost"},
		{"%h%r", Vars{Host: "a/../b", Rank: ".."}, "a_.._b__"}, // no way out of the folder
		{"%r", Vars{Rank: "-"}, filepath.FromSlash("./-")},     // a file, not stdout
		{".", Vars{Dir: "-"}, filepath.FromSlash("./-")},
		{"", inDir, ""},
		{"-", inDir, "-"},
		{"x%n.prof", inDir, filepath.FromSlash("out/dir/x12.prof")},
		{"sub/x.prof", inDir, filepath.FromSlash("out/dir/sub/x.prof")},
		{"sub/", inDir, filepath.FromSlash("out/dir/sub/")}, // still a folder, to be refused
		{strings.ReplaceAll(abs, "%", "%%"), inDir, abs},
	} {
		got, err := Expand(c.pattern, c.v, 12)
		if err != nil || got != c.want {
			t.Errorf("Expand(%q) = %q, %v; want %q", c.pattern, got, err, c.want)
		}
	}
	for pattern, names := range map[string]string{
		"x%d.prof": "%d",
		"x%ä":      "%ä",
		"%%%":      "% at the end",
		"%P":       "%P",
		"%\xff":    "%\\xff",
	} {
		_, err := Expand(pattern, someVars, 1)
		if !errors.Is(err, ErrVerb) || (!strings.Contains(err.Error(), names) && pattern != "%\xff") {
			t.Errorf("Expand(%q): %v; want it to be ErrVerb and to name %s", pattern, err, names)
		}
	}
}

func TestPerCall(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{
		"": false, "-": false, "x": false, "%n": true, "a%p%n": true, "%%n": false, "%%%n": true, "%": false, "n%": false,
	} {
		if PerCall(pattern) != want {
			t.Errorf("PerCall(%q) = %v", pattern, !want)
		}
	}
}

func TestProcessVars(t *testing.T) {
	for _, c := range []struct{ rank, local, want string }{
		{"", "", "0"}, {"", "5", "5"}, {"2", "5", "2"},
	} {
		t.Setenv("RANK", c.rank)
		t.Setenv("LOCAL_RANK", c.local)
		t.Setenv("PROFSCOPE_DIR", "somewhere")
		v := ProcessVars()
		if v.PID != os.Getpid() || v.Dir != "somewhere" || v.Start.IsZero() || v.Start.After(time.Now()) {
			t.Errorf("ProcessVars() = %+v", v)
		}
		if got, err := Expand("%r", Vars{Rank: v.Rank}, 1); got != c.want {
			t.Errorf("rank of RANK=%q LOCAL_RANK=%q: %q, %v; want %q", c.rank, c.local, got, err, c.want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, s := range []string{"", "-", "x%n.prof", "%p%h%t%r%%", "%", "%q", "/a/%n", "../%n", "%%n"} {
		f.Add(s, "host", "0", "dir")
	}
	f.Fuzz(func(t *testing.T, pattern, host, rank, dir string) {
		v := Vars{PID: 1, Host: host, Rank: rank, Dir: dir}
		got, err := Expand(pattern, v, 1)
		if err != nil {
			if !errors.Is(err, ErrVerb) || got != "" {
				t.Fatalf("Expand(%q) = %q, %v", pattern, got, err)
			}
			return
		}
		if (pattern == "" || pattern == "-") != (got == "" || got == "-") {
			t.Fatalf("Expand(%q) = %q: one of them is stdout", pattern, got)
		}
		// A second call differs exactly where %n makes it.
		next, err := Expand(pattern, v, 2)
		if err != nil {
			t.Fatal(err)
		}
		if (next != got) != PerCall(pattern) && !strings.Contains(pattern, "..") {
			t.Fatalf("Expand(%q) = %q, then %q; PerCall = %v", pattern, got, next, PerCall(pattern))
		}
		// Values from outside never add a part to the path.
		plain, err := Expand(pattern, Vars{PID: 1, Host: "h", Rank: "r"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if own, _ := Expand(pattern, Vars{PID: 1, Host: host, Rank: rank}, 1); strings.Count(strings.TrimPrefix(own, "./"), "/") != strings.Count(strings.TrimPrefix(plain, "./"), "/") {
			t.Fatalf("Expand(%q) with host %q and rank %q: %q", pattern, host, rank, own)
		}
		FormatOf(got, "")
	})
}
