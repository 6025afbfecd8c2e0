package session

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/pprof/profile"
)

// TestSideListFull: what begins when there is no room is refused, and the file
// tells so; what ends is not; and then there is room again.
func TestSideListFull(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.prof")
	outer := Open(file).Begin()
	l := sideList{edges: make([]sideEdge, sideMost)}
	func() {
		rec.mu.Lock()
		defer rec.mu.Unlock()
		setBits(sideBit, 0)
		defer setBits(0, sideBit)
		const none = 1 << 60
		if l.begin(none, new(asking)) {
			t.Error("a begin beyond the bound was kept")
		}
		if l.end(none); len(l.edges) != sideMost+1 {
			t.Errorf("%d edges, want the end too: %d", len(l.edges), sideMost+1)
		}
		l.apply(theEngine())
		if !l.begin(none, new(asking)) {
			t.Error("no room when all has been taken")
		}
	}()
	if err := outer.End(); err != nil {
		t.Error(err)
	}
	if err := Flush(); err != nil {
		t.Error(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil || !slices.Contains(p.Comments, "note: "+refusedNote) {
		t.Errorf("%v, comments %q, want %q", err, p.Comments, refusedNote)
	}
}
