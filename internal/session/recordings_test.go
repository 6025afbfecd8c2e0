package session

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// failing makes a recording whose file cannot be written before its end, but
// after.
func failing(t *testing.T, name, file string) *Recording {
	t.Helper()
	x, err := Record(Request{Name: name, File: file})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil { // in its place
		t.Fatal(err)
	}
	if s := x.Stop(); s.Err == nil {
		t.Error("a folder is no error")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	return x
}

// TestFailedForgotten: nothing is left of a failed recording when its file, or
// its name, is another's: it is neither written nor known any more.
func TestFailedForgotten(t *testing.T) {
	dir := t.TempDir()
	before := len(theEngine().All())
	gone := func(file string) {
		t.Helper()
		if err := Flush(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%s is written", file)
		}
		if n := len(theEngine().All()); n != before {
			t.Errorf("%d destinations are known, %d were", n, before)
		}
	}
	removed := filepath.Join(dir, "removed.prof")
	failing(t, "removed", removed)
	ForgetFile(removed)
	gone(removed)

	again := filepath.Join(dir, "again.prof")
	failing(t, "again", again)
	x, err := Record(Request{Name: "again", File: filepath.Join(dir, "other.prof")})
	if err != nil {
		t.Fatal(err)
	}
	if s := x.Stop(); s.Err != nil {
		t.Error(s.Err)
	}
	gone(again)
	_, ended := Recordings()
	if i := slices.IndexFunc(ended, func(y *Recording) bool { return y.Name == "again" }); i < 0 || ended[i] != x {
		t.Error("the last of the name is not known")
	}

	old := filepath.Join(dir, "old.prof")
	failing(t, "old", old)
	if err := os.Mkdir(old, 0o700); err != nil { // others' ends try it again
		t.Fatal(err)
	}
	for n := range maxEnded {
		y, err := Record(Request{Name: strconv.Itoa(n), File: filepath.Join(dir, "many.prof")})
		if err != nil {
			t.Fatal(err)
		}
		if s := y.Stop(); s.Err != nil {
			t.Fatal(s.Err)
		}
	}
	if err := os.Remove(old); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); len(theEngine().All()) > before && time.Since(begin) < time.Minute; { // after the last one's end, for which alone it has been waited
		time.Sleep(10 * time.Millisecond)
	}
	gone(old)
}

// TestNotYetRunning: a recording whose file is on a disk that hangs is not listed, or
// who lists would wait for its name.
func TestNotYetRunning(t *testing.T) {
	x := &Recording{Name: t.Name(), opened: make(chan struct{}), done: make(chan struct{})}
	rs := &recordings
	rs.mu.Lock()
	rs.running = map[string]*Recording{x.Name: x}
	rs.mu.Unlock()
	if running, _ := Recordings(); len(running) != 0 {
		t.Errorf("%d run", len(running))
	}
	if FindRecording(x.Name) != x {
		t.Error("its name is free")
	}
	x.abandon(ErrOff)
	if x.File() != "" || FindRecording(x.Name) != nil {
		t.Error("it is known")
	}
}
