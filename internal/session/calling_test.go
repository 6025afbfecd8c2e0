package session

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/profscope/profscope/internal/report"
)

// TestCallingTold: doors that a door made for its calls are told of a failed write
// once, as that one is.
func TestCallingTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1000)
	d := Open(filepath.Join(dir, "x.prof"), func(o *Options) { o.OnError = func(err error) { told <- err } })
	outer := Open(filepath.Join(t.TempDir(), "outer.prof")).Begin()
	for range freeEnds + 20 {
		_ = d.Calling(func(report.Stats) {}).BeginTask().End() // told to OnError
	}
	before, begun := len(told), time.Now()
	if err := Flush(); err == nil {
		t.Error("it could be written")
	}
	n := len(told) - before
	// The keeper may be at it too, once a second.
	if most := 3 + int(time.Since(begun)/time.Second); n < 1 || n > most {
		t.Errorf("told %d times of an attempt", n)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := outer.End(); err != nil {
		t.Error(err)
	}
	if err := Flush(); err != nil {
		t.Error(err)
	}
}
