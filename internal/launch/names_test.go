package launch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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
