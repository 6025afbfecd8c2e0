package httpprofile_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/scratch"
	"github.com/profscope/profscope/internal/session"
)

// readProfile parses a written profile and fails if it doubts itself.
func readProfile(t *testing.T, file string) *profile.Profile {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Comments {
		if strings.Contains(c, "Internal error") {
			t.Errorf("%s: %s", file, c)
		}
	}
	return p
}

// comment returns the rest of a profile's comment that begins so; "" if there is
// none, for none is empty.
func comment(p *profile.Profile, begin string) string {
	for _, c := range p.Comments {
		if rest, ok := strings.CutPrefix(c, begin); ok {
			return rest
		}
	}
	return ""
}

// wall sums the wall time of the samples that have a function of that name.
func wall(p *profile.Profile, fn, state string) (ns time.Duration) {
	for _, s := range p.Sample {
		if state != "" && s.Label["state"][0] != state {
			continue
		}
		for _, l := range s.Location {
			if strings.HasSuffix(l.Line[0].Function.Name, fn) {
				ns += time.Duration(s.Value[2])
				break
			}
		}
	}
	return ns
}

//go:noinline
func parkedOlder(c chan struct{}, ready *sync.WaitGroup) {
	ready.Done()
	<-c
}

//go:noinline
func parkedYounger(c chan struct{}, ready *sync.WaitGroup) {
	ready.Done()
	<-c
}

// TestProcess records a process in which goroutines wait from before the
// recording until after it, and others from within: the time of each is there,
// also in a recording that begins and ends inside another, and also where a
// scope had the tracer on before.
func TestProcess(t *testing.T) {
	const n = 50
	dir := scratch.Folder(t)
	scope := session.Open(filepath.Join(dir, "scope.prof")).Begin()
	defer scope.End()
	hold := make(chan struct{})
	var ready sync.WaitGroup
	ready.Add(n)
	for range n {
		go parkedOlder(hold, &ready)
	}
	ready.Wait()
	time.Sleep(20 * time.Millisecond) // all of them are parked, and have been for a while

	begun := time.Now()
	outer, err := session.OpenProcess(filepath.Join(dir, "outer.prof"))
	if err != nil {
		t.Fatal(err)
	}
	outerBegan := time.Now()
	time.Sleep(30 * time.Millisecond)
	inner, err := session.OpenProcess(filepath.Join(dir, "inner.prof"))
	if err != nil {
		t.Fatal(err)
	}
	innerBegan := time.Now()
	ready.Add(n)
	for range n {
		go parkedYounger(hold, &ready)
	}
	ready.Wait()
	all := time.Now()
	time.Sleep(50 * time.Millisecond)
	atLeast := time.Since(all)
	innerLeast := time.Since(innerBegan)
	if err := inner.Close(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond)
	outerLeast := time.Since(outerBegan)
	youngerLeast := time.Since(all)
	if err := outer.Close(); err != nil {
		t.Fatal(err)
	}
	most := time.Since(begun)
	close(hold)

	for _, tt := range []struct {
		file, fn string
		least    time.Duration
	}{
		{"inner.prof", "parkedOlder", innerLeast},
		{"inner.prof", "parkedYounger", atLeast},
		{"outer.prof", "parkedOlder", outerLeast},
		{"outer.prof", "parkedYounger", youngerLeast},
	} {
		p := readProfile(t, filepath.Join(dir, tt.file))
		if got := wall(p, "."+tt.fn, ""); got < n*tt.least || got > n*most {
			t.Errorf("%s: %d goroutines were in %s for %v, want from %v to %v", tt.file, n, tt.fn, got, n*tt.least, n*most)
		}
		if len(p.Sample) == 0 || p.Sample[0].Label["role"][0] != "process" {
			t.Errorf("%s: not of the process", tt.file)
		}
		for _, own := range []string{"session.(*keeper).keep", "runtime.bgsweep", "runtime.gcBgMarkWorker"} {
			if got := wall(p, own, ""); got != 0 {
				t.Errorf("%s: %s is in it, for %v", tt.file, own, got)
			}
		}
	}
	s := outer.Stats()
	if s.Calls != 1 || s.Elapsed < outerLeast || s.Elapsed > most {
		t.Errorf("calls %d, elapsed %v, want 1 and %v to %v", s.Calls, s.Elapsed, outerLeast, most)
	}
	if got := s.Process.Total(); got < 2*n*atLeast || s.States.Total() != 0 {
		t.Errorf("process %v, self %v", got, s.States.Total())
	}
	if err := outer.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestProcessAgain: a second recording of the same name has nothing of the
// first.
func TestProcessAgain(t *testing.T) {
	file := filepath.Join(scratch.Folder(t), "again.prof")
	var last *profile.Profile
	for range 3 {
		p, err := session.OpenProcess(file)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		last = readProfile(t, file)
		if s := p.Stats(); time.Duration(last.DurationNanos) != s.Elapsed || s.Calls != 1 {
			t.Errorf("%d calls of %v, the file says %v", s.Calls, s.Elapsed, time.Duration(last.DurationNanos))
		}
	}
}

// TestProcessMany opens and closes recordings from many goroutines at once.
func TestProcessMany(t *testing.T) {
	dir := scratch.Folder(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 5 {
				file := filepath.Join(dir, string(rune('a'+i))+string(rune('0'+j))+".prof")
				p, err := session.OpenProcess(file)
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(3 * time.Millisecond)
				if err := p.Close(); err != nil {
					t.Error(err)
				}
				if pr := readProfile(t, file); time.Duration(pr.DurationNanos) < 3*time.Millisecond {
					t.Errorf("%s: %v", file, time.Duration(pr.DurationNanos))
				}
			}
		})
	}
	all.Wait()
}
