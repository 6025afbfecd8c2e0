package gotrace_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"runtime"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/gotrace"
	"github.com/profscope/profscope/internal/ledger"
)

// picture is a timeline that counts what is drawn.
type picture struct {
	tracks map[ledger.TrackID]ledger.Track
	spans  map[string]int64 // nanoseconds by goroutine and state
	states map[string]int64 // nanoseconds by state
	ends   map[ledger.TrackID]int64
	wrong  []string
	slices map[string]int // by name
	counts map[string]int // values by counter
	other  map[string]int
	clock  int64
	open   int
	end    int64
}

func newPicture() *picture {
	return &picture{tracks: make(map[ledger.TrackID]ledger.Track), spans: make(map[string]int64), states: make(map[string]int64), ends: make(map[ledger.TrackID]int64),
		slices: make(map[string]int), counts: make(map[string]int), other: make(map[string]int)}
}

func (p *picture) Clock(ns, unix int64)  { p.clock = unix - ns }
func (p *picture) Track(t ledger.Track)  { p.tracks[t.ID] = t }
func (p *picture) Sample(ledger.Sample)  { p.other["samples"]++ }
func (p *picture) Close(end int64) error { p.end = end; return nil }
func (p *picture) Span(s ledger.Slice) {
	name := p.tracks[s.Track].Name
	if s.Begin < p.ends[s.Track] || s.End < s.Begin {
		p.wrong = append(p.wrong, fmt.Sprintf("%s: a slice of [%d, %d) after %d", name, s.Begin, s.End, p.ends[s.Track]))
	}
	p.ends[s.Track] = s.End
	p.states[s.Category] += s.End - s.Begin
	p.spans[name+" "+s.Name] += s.End - s.Begin
}
func (p *picture) Begin(s ledger.Slice) {
	p.slices[s.Name]++
	p.open++
}
func (p *picture) End(ledger.TrackID, int64)           { p.open-- }
func (p *picture) Instant(s ledger.Slice)              { p.other["instant "+s.Category]++ }
func (p *picture) Count(id ledger.TrackID, _, v int64) { p.counts[p.tracks[id].Name]++ }
func (p *picture) into(*ledger.Stacks) ledger.Timeline { return p }

// TestDrawAgrees draws a recording of this program as the running program does
// and as a file is drawn, which two different readers read: the pictures are
// the same, but for what x/exp/trace moves times by.
func TestDrawAgrees(t *testing.T) {
	raw := record(t, func(ctx context.Context) {
		workload(nested)(ctx)
		trace.Log(ctx, "category", "message")
		_, task := trace.NewTask(ctx, "a task")
		runtime.GC()
		task.End()
	})
	live, file := newPicture(), newPicture()
	if cut, err := attrib.Draw(&source{rest: raw, cuts: []byte{250}}, live.into); cut != nil || err != nil {
		t.Fatal(cut, err)
	}
	if _, err := gotrace.ReadFile(bytes.NewReader(raw), gotrace.FileOptions{Timeline: file.into}); err != nil {
		t.Fatal(err)
	}
	// A task is that of profscope if it has a name of a destination: none here.
	for _, p := range []*picture{live, file} {
		for _, want := range []string{"outer", "inner", "a task", "GC concurrent mark phase"} {
			if p.slices[want] == 0 {
				t.Errorf("no slice %q among %v", want, slices.Collect(maps.Keys(p.slices)))
			}
		}
	}
	for name, n := range file.slices {
		if live.slices[name] != n && !strings.HasPrefix(name, "GC incremental sweep") {
			t.Errorf("%d slices %q, want %d", live.slices[name], name, n)
		}
	}
	for name, n := range file.other {
		if live.other[name] != n {
			t.Errorf("%d %s, want %d", live.other[name], name, n)
		}
	}
	for _, name := range []string{"heap", "heap goal", "GOMAXPROCS"} {
		if live.counts[name] != file.counts[name] || file.counts[name] == 0 {
			t.Errorf("%d values of %s, want %d", live.counts[name], name, file.counts[name])
		}
	}
	if d := live.clock - file.clock; d > int64(time.Millisecond) || d < -int64(time.Millisecond) || live.clock == 0 {
		t.Errorf("the wall clock is %v off", time.Duration(d))
	}
	if len(live.spans) < 20 {
		t.Errorf("%d kinds of spans: nothing to see", len(live.spans))
	}
	for name, want := range file.spans {
		if d := live.spans[name] - want; d > int64(5*time.Millisecond) || d < -int64(5*time.Millisecond) {
			t.Errorf("%s: %v, want %v", name, time.Duration(live.spans[name]), time.Duration(want))
		}
	}
}

// TestDrawShares draws more goroutines than have tracks of their own: those
// beyond share some, without ever being on one at the same time, and without
// losing time. Both readers agree.
func TestDrawShares(t *testing.T) {
	const batches, batch = 13, 200
	raw := record(t, func(context.Context) { // called twice
		for range batches {
			var wg sync.WaitGroup
			var mu sync.Mutex
			for range batch {
				wg.Go(func() {
					mu.Lock()
					runtime.Gosched()
					mu.Unlock()
				})
			}
			wg.Wait()
		}
	})
	live, file := newPicture(), newPicture()
	if cut, err := attrib.Draw(&source{rest: raw, cuts: []byte{250}}, live.into); cut != nil || err != nil {
		t.Fatal(cut, err)
	}
	f, err := gotrace.ReadFile(bytes.NewReader(raw), gotrace.FileOptions{Timeline: file.into})
	if err != nil {
		t.Fatal(err)
	}
	for st, ns := range f.Whole.Book.Totals()[ledger.Process] {
		if name := ledger.State(st).String(); file.states[name] != ns {
			t.Errorf("%s: %d ns drawn, the ledger has %d", name, file.states[name], ns)
		}
	}
	for _, p := range []*picture{live, file} {
		for _, w := range p.wrong {
			t.Error(w)
		}
		own, shared := 0, 0
		for _, track := range p.tracks {
			switch {
			case track.Kind != ledger.TrackGoroutine:
			case strings.HasPrefix(track.Name, "G"):
				own++
			default:
				shared++
			}
		}
		// A goroutine may be seen gone only after the next batch has begun.
		if own != 2000 || shared < batch || shared > 4*batch {
			t.Errorf("%d tracks of one goroutine, %d shared", own, shared)
		}
		if n := p.other["instant goroutine"]; n != int(f.Goroutines)-own {
			t.Errorf("%d goroutines are told on shared tracks, of %d", n, f.Goroutines)
		}
	}
}
