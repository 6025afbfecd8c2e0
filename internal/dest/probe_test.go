package dest

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestProbe: what cannot work is known before, and nothing is left of the question.
func TestProbe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, tt := range []struct{ name, want string }{
		{filepath.Join(dir, "x.prof"), ""},
		{filepath.Join(dir, "a", "b", "x.prof"), ""},
		{filepath.Join(dir, strings.Repeat("a", 252)+".prof"), "name too long"},
		{filepath.Join(dir, strings.Repeat("a", 256), "b", "x.prof"), "name too long"},
		{dir + string(filepath.Separator), "is a folder"},
		{"/proc/x/y.prof", "make folder"},
		{"/proc/y.prof", "create"},
		{"/dev/null", ""},
	} {
		if runtime.GOOS != "linux" && (strings.HasPrefix(tt.name, "/proc") || tt.want == "name too long") {
			continue
		}
		err := Probe(tt.name)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.20s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
