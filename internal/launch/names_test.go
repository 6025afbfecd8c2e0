//go:build unix

package launch

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestCompanions: what a recording leaves beside its own file replaces nothing
// either, unless that is asked for.
func TestCompanions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put := func(name string) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("told.mem.prof")
	o := Options{Output: at("told.trace"), Modes: []string{"cpu", "mem"}}
	if err := o.check(); err == nil || !strings.Contains(err.Error(), "told.mem.prof exists") {
		t.Errorf("before the program's start: %v", err)
	}
	o.Force = true
	if err := o.check(); err != nil {
		t.Errorf("with -f: %v", err)
	}

	put("x.piece-2.trace")
	put("x.2.mem.prof")
	for _, tt := range []struct {
		force bool
		want  []string
	}{
		{false, []string{"x.3.trace", "x.3.piece-2.trace", "x.3.mem.prof"}},
		{true, []string{"x.trace", "x.piece-2.trace", "x.mem.prof"}},
	} {
		o := Options{Output: at("x.trace"), Force: tt.force}
		r := newRecording("program", 1, false)
		for range 2 {
			if err := r.open(); err != nil {
				t.Fatal(err)
			}
			if _, err := r.current().s.Write([]byte("trace")); err != nil {
				t.Fatal(err)
			}
		}
		r.profiles = []modeProfile{{"mem", []byte("profile")}}
		r.close(true, 0)
		files, err := o.write(r, newSession(&o).names, "", false)
		r.release()
		var got []string
		for _, f := range files {
			got = append(got, filepath.Base(f.Path))
		}
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("force=%v: %q, %v, want %q", tt.force, got, err, tt.want)
		}
		if b, err := os.ReadFile(at("x.piece-2.trace")); err != nil || (string(b) == "old") == tt.force {
			t.Errorf("force=%v: the old piece is %q, %v", tt.force, b, err)
		}
	}
}

// TestOutputGone: a recording whose output became unusable while it ran is not
// lost: beside it, or in the working folder, or in that of temporary files, it is
// found, and the error tells where.
func TestOutputGone(t *testing.T) {
	trace := traced(t, 10*time.Millisecond)
	mkdir := func(t *testing.T, name string) {
		t.Helper()
		if err := os.MkdirAll(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	put := func(t *testing.T, name string) {
		t.Helper()
		if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name  string
		force bool
		spoil func(t *testing.T)
		want  []string // below the folder that holds all three
		said  string
	}{
		{"nothing is wrong", false, func(*testing.T) {}, []string{"out/x.prof", "out/x.mem.prof"}, ""},
		{"a folder in its place", false, func(t *testing.T) { mkdir(t, "../out/x.prof") }, []string{"out/x.2.prof", "out/x.2.mem.prof"}, ""},
		{"a folder in its place, and force", true, func(t *testing.T) { mkdir(t, "../out/x.prof") }, []string{"out/x.2.prof", "out/x.2.mem.prof"}, ""},
		{"a folder in a companion's place, and force", true, func(t *testing.T) { mkdir(t, "../out/x.mem.prof") }, []string{"out/x.2.prof", "out/x.2.mem.prof"}, ""},
		{"a file in its folder's place", false, func(t *testing.T) { put(t, "../out") }, []string{"work/x.prof", "work/x.mem.prof"}, "out/x.prof"},
		{"one of that name is there too, and force", true, func(t *testing.T) { put(t, "../out"); put(t, "x.prof") }, []string{"work/x.2.prof", "work/x.mem.prof"}, "out/x.prof"},
		{"the working folder is gone too", false, func(t *testing.T) {
			put(t, "../out")
			if err := os.Remove("../work"); err != nil {
				t.Skip("this system keeps it: ", err)
			}
		}, []string{"tmp/profscope-*/x.prof", "tmp/profscope-*/x.mem.prof"}, "out/x.prof"},
		{"a link that leads nowhere has the name", false, func(t *testing.T) {
			put(t, "../out")
			for _, dir := range []string{".", "../tmp"} {
				if err := os.Symlink("../stranger", filepath.Join(dir, "x.prof")); err != nil {
					t.Fatal(err)
				}
			}
		}, []string{"work/x.2.prof", "work/x.mem.prof"}, "out/x.prof"},
		{"there is no place", false, func(t *testing.T) {
			put(t, "../out")
			put(t, "../none")
			none, err := filepath.Abs("../none")
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv("TMPDIR", none)
			if err := os.Remove("../work"); err != nil {
				t.Skip("this system keeps it: ", err)
			}
		}, nil, "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			mkdir(t, filepath.Join(dir, "work"))
			mkdir(t, filepath.Join(dir, "tmp"))
			t.Setenv("TMPDIR", filepath.Join(dir, "tmp"))
			t.Chdir(filepath.Join(dir, "work"))
			o := Options{Output: filepath.Join(dir, "out", "x.prof"), Force: tt.force}
			r := newRecording("program", 1, false)
			if err := r.open(); err != nil {
				t.Fatal(err)
			}
			if _, err := r.current().s.Write([]byte(trace)); err != nil {
				t.Fatal(err)
			}
			r.profiles = []modeProfile{{"mem", []byte("profile")}}
			r.close(true, 0)
			tt.spoil(t)
			files, err := o.write(r, newSession(&o).names, "", false)
			r.release()
			var got []string
			for _, f := range files {
				at, relErr := filepath.Rel(dir, f.Path)
				if relErr != nil {
					t.Error(relErr)
				}
				if parts := strings.Split(at, "/"); strings.HasPrefix(parts[1], "profscope-") {
					info, err := os.Stat(filepath.Dir(f.Path))
					if err != nil || info.Mode().Perm() != 0o700 {
						t.Errorf("%s: %v, %v", parts[1], info, err)
					}
					parts[1] = "profscope-*"
					at = strings.Join(parts, "/")
				}
				got = append(got, at)
				if info, err := os.Stat(f.Path); err != nil || info.Size() != f.Bytes || f.Bytes <= int64(len("old")) {
					t.Errorf("%s: %v, %v", at, info, err)
				}
			}
			if _, err := os.Lstat(filepath.Join(dir, "stranger")); err == nil {
				t.Error("it was written through a link")
			}
			if !slices.Equal(got, tt.want) || (err == nil) != (tt.said == "") || err != nil && !strings.Contains(err.Error(), tt.said) {
				t.Errorf("%q, want %q: %v", got, tt.want, err)
			}
			for _, f := range files {
				if tt.said != "" && !strings.Contains(err.Error(), f.Path) {
					t.Errorf("the error does not tell of %s: %v", f.Path, err)
				}
			}
		})
	}
}

// TestNameTooLong: a name that no folder takes is refused before anything begins,
// and should it come to that, what was recorded is found by a shorter one.
func TestNameTooLong(t *testing.T) {
	t.Chdir(t.TempDir())
	long := strings.Repeat("é", 126) + ".prof"
	if err := CheckPlace(long); err == nil || !strings.Contains(err.Error(), "choose a shorter name") {
		t.Errorf("before the program's start: %v", err)
	}
	if err := CheckPlace(long[2:]); err != nil {
		t.Error(err)
	}
	if err := CheckPlace(long[2:], "goroutine"); err == nil || !strings.Contains(err.Error(), "choose a shorter name") {
		t.Errorf("the companion before the program's start: %v", err)
	}
	if n, err := newSession(&Options{}).start(long); n != 0 || err == nil || !strings.Contains(err.Error(), "choose a shorter name") {
		t.Errorf("before a recording: %d, %v", n, err)
	}
	at, err := Put(long, func(w io.Writer) error { _, err := io.WriteString(w, "content"); return err })
	if err == nil || !strings.Contains(err.Error(), at) || filepath.Ext(at) != ".prof" {
		t.Errorf("%s, %v", at, err)
	}
	if b, err := os.ReadFile(at); err != nil || string(b) != "content" {
		t.Errorf("%s, %v", b, err)
	}
}
