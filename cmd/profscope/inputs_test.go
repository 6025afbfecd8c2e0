package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// TestProgress: nothing is written of what is quick, and bytes, a share and a
// rate of what is not; a file without a size has no share.
func TestProgress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		size  int64
		ago   time.Duration
		wants []string
	}{
		{"a/quick.json", 3000, -time.Hour, nil},
		{"a/slow.json", 6000, time.Hour, []string{"slow.json", "50%", "kB", "/s"}},
		{"-", -1, time.Hour, []string{"standard input", "kB", "/s"}},
	} {
		var b bytes.Buffer
		p := &progress{w: &b, on: true}
		r := p.watch(strings.NewReader(strings.Repeat("x", 3000)), tt.name, tt.size)
		p.since = p.since.Add(-tt.ago)
		if _, err := io.Copy(io.Discard, readerFunc(r.Read)); err != nil {
			t.Fatal(err)
		}
		p.done()
		if tt.wants == nil && b.Len() > 0 {
			t.Errorf("%s: %q", tt.name, &b)
		}
		for _, want := range tt.wants {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: %q lacks %q", tt.name, &b, want)
			}
		}
	}
	p := &progress{w: t.Output()}
	if r := strings.NewReader("x"); p.watch(r, "piped", 1) != io.Reader(r) {
		t.Error("a bar where there is no terminal")
	}
}
