package gotrace_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is dumped into testdata as what is wanted")

// TestFold plays the timelines of testdata/fold. Each file says at its top
// what it is for; below the line "=>" stands what the ledgers must hold. The
// numbers are small enough to be checked by eye: read them after -update.
func TestFold(t *testing.T) {
	files, err := filepath.Glob("testdata/fold/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no timelines: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text, want, _ := strings.Cut(string(data), "\n=>\n")
			tl := newTimeline()
			tl.play(t, text)
			tl.check(t)
			var got string
			for _, name := range slices.Sorted(maps.Keys(tl.ledgers)) {
				got += dump(tl.snapshot(name))
			}
			if *update {
				if err := os.WriteFile(file, []byte(text+"\n=>\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
