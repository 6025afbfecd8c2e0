package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/felixge/fgprof"
	"github.com/google/pprof/profile"
)

//go:noinline
func waitHalf(d time.Duration) { time.Sleep(d) }

//go:noinline
func waitThird(d time.Duration) { <-time.After(d) }

//go:noinline
func waitSixth(d time.Duration) {
	var mu sync.Mutex
	mu.Lock()
	time.AfterFunc(d, mu.Unlock)
	mu.Lock()
}

// TestBlockedAgainstFgprof takes fgprof's profile and ours of one run that
// waits in three functions. Ours is exact, and fgprof's samples must lie around
// it as samples do; both are compared in shares, for fgprof's clock loses
// beats on a busy machine.
func TestBlockedAgainstFgprof(t *testing.T) {
	waits := []struct {
		name   string
		wait   func(time.Duration)
		weight time.Duration
		had    time.Duration // as the program measures
	}{
		{".waitHalf", waitHalf, 3, 0},
		{".waitThird", waitThird, 2, 0},
		{".waitSixth", waitSixth, 1, 0},
	}
	var theirs bytes.Buffer
	end := fgprof.Start(&theirs, fgprof.FormatPprof)
	stop, err := startScope(filepath.Join(t.TempDir(), "waits.prof"))
	if err != nil {
		t.Fatal(err)
	}
	// Turns of many lengths, or their period might meet that of the samples.
	for i := range 40 { // 266 ms of weight one
		for j := range waits {
			w := &waits[j]
			begin := time.Now()
			w.wait(w.weight * time.Duration(2+i%11) * time.Millisecond)
			w.had += time.Since(begin)
		}
	}
	file, err := stop()
	if err != nil {
		t.Fatal(err)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ours, sampled := parseProfile(t, b), parseProfile(t, theirs.Bytes())

	var blocked, samples, measured int64
	for _, w := range waits {
		blocked += valueIn(ours, "wall", w.name, "blocked")
		samples += valueIn(sampled, "samples", w.name, "")
		measured += int64(w.had)
	}
	if samples < 50 {
		t.Fatalf("%d samples of fgprof: too few to compare", samples)
	}
	if blocked > measured {
		t.Errorf("blocked for %d ns, the program measured %d", blocked, measured)
	}
	for _, w := range waits {
		// A thread can lose its core between setting a timer and parking.
		got := valueIn(ours, "wall", w.name, "blocked")
		if least := int64(w.weight * 240 * time.Millisecond); got < least || got > int64(w.had) {
			t.Errorf("%s: blocked for %d ns, want %d to %d", w.name, got, least, w.had)
		}
		share := float64(got) / float64(blocked)
		their := float64(valueIn(sampled, "samples", w.name, "")) / float64(samples)
		// Five standard deviations of the binomial distribution: one false
		// alarm in 1.7 million.
		most := 5 * math.Sqrt(share*(1-share)/float64(samples))
		if math.Abs(share-their) > most {
			t.Errorf("%s: %.3f of the blocked time, %.3f of fgprof's %d samples (+- %.3f)", w.name, share, their, samples, most)
		}
	}
}

func parseProfile(t *testing.T, b []byte) *profile.Profile {
	t.Helper()
	p, err := profile.ParseData(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// valueIn sums a sample type over the samples in a state (any if empty) with a
// function on the stack whose name ends so.
func valueIn(p *profile.Profile, typ, fn, state string) (sum int64) {
	for i, st := range p.SampleType {
		if st.Type != typ {
			continue
		}
		for _, s := range p.Sample {
			if (state == "" || s.Label["state"][0] == state) && onStack(s, fn) {
				sum += s.Value[i]
			}
		}
	}
	return sum
}

func onStack(s *profile.Sample, fn string) bool {
	for _, l := range s.Location {
		for _, ln := range l.Line {
			if strings.HasSuffix(ln.Function.Name, fn) {
				return true
			}
		}
	}
	return false
}
