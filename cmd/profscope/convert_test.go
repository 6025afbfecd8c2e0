package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConvertDeep: that a page lacks frames is told, and a page that lacks none
// is not spoken of.
func TestConvertDeep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		frames int
		want   string
	}{
		{1000, ""},
		{5000, "profscope: OUT: the page is not whole: stacks of more than 2048 frames lack their middle (samples: 1)\n"},
	} {
		in, out := filepath.Join(dir, "in.folded"), filepath.Join(dir, "out.html")
		if err := os.WriteFile(in, []byte(strings.Repeat("f;", c.frames-1)+"leaf 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), []string{"convert", in, out}, nil, &stdout, &stderr)
		if got := strings.ReplaceAll(stderr.String(), out, "OUT"); code != exitOK || got != c.want {
			t.Errorf("%d frames: exit code %d, %q, want %q", c.frames, code, got, c.want)
		}
		if page := read(t, out); !bytes.Contains(page, []byte(`"n":"leaf"`)) || bytes.Contains(page, []byte("[2952 frames left out]")) != (c.want != "") {
			t.Errorf("%d frames: the page has other frames than it should", c.frames)
		}
	}
}
