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
	"github.com/profscope/profscope/internal/wire"
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

// byExp is a window for which the trace is read by x/exp/trace.
const byExp = time.Hour

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
	if drawn, err := attrib.Draw(&source{rest: raw, cuts: []byte{250}}, live.into); drawn.Cut != nil || err != nil {
		t.Fatal(drawn, err)
	}
	if _, err := gotrace.ReadFile(bytes.NewReader(raw), gotrace.FileOptions{Timeline: file.into, To: byExp}); err != nil {
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
	if len(live.spans) < 20 {
		t.Errorf("%d kinds of spans: nothing to see", len(live.spans))
	}
	for _, name := range []string{"heap", "heap goal", "GOMAXPROCS"} {
		if file.counts[name] == 0 {
			t.Errorf("no values of %s", name)
		}
	}
	if live.clock == 0 {
		t.Error("no wall clock")
	}
	samePicture(t, live, file)
}

// samePicture compares what the reader of the running program draws with what
// x/exp/trace has read, which moves some times.
func samePicture(t *testing.T, live, file *picture) {
	t.Helper()
	for name, n := range file.slices {
		if live.slices[name] != n && !strings.HasPrefix(name, "GC incremental sweep") {
			t.Errorf("%d slices %q, want %d", live.slices[name], name, n)
		}
	}
	for name, n := range file.other {
		// A wait that began and ended within a tick of the clock has no length;
		// x/exp/trace makes it one of a nanosecond.
		within := 0
		if name == "instant wake" {
			within = 1 + n/50
		}
		if d := n - live.other[name]; d < 0 || d > within {
			t.Errorf("%d %s, want %d", live.other[name], name, n)
		}
	}
	for name, n := range file.counts {
		d := live.counts[name] - n
		switch name {
		case "goroutines", "runnable", "running": // a tick at the edge of the grid's field tells another value
			if within := 2 + n/20; d < -within || d > within {
				t.Errorf("%d values of %s, want %d", live.counts[name], name, n)
			}
		default:
			if d != 0 {
				t.Errorf("%d values of %s, want %d", live.counts[name], name, n)
			}
		}
	}
	if d := live.clock - file.clock; d > int64(time.Millisecond) || d < -int64(time.Millisecond) {
		t.Errorf("the wall clock is %v off", time.Duration(d))
	}
	for name, want := range file.spans {
		if d := live.spans[name] - want; d > int64(5*time.Millisecond) || d < -int64(5*time.Millisecond) {
			t.Errorf("%s: %v, want %v", name, time.Duration(live.spans[name]), time.Duration(want))
		}
	}
}

// TestDrawCorpus draws files as whole ones of this version are, and by
// x/exp/trace.
func TestDrawCorpus(t *testing.T) {
	t.Parallel()
	traces := corpus(t)
	for _, version := range []string{"go1.26.8", "go1.27.4"} {
		traces[version] = gunzip(t, "testdata/versions/"+version+".trace.gz")
	}
	drawn := 0
	for name, b := range traces {
		if !bytes.HasPrefix(b, []byte(wire.Header)) {
			continue
		}
		ours, theirs := newPicture(), newPicture()
		f, err := gotrace.ReadFile(bytes.NewReader(b), gotrace.FileOptions{Timeline: ours.into})
		g, want := gotrace.ReadFile(bytes.NewReader(b), gotrace.FileOptions{Timeline: theirs.into, To: byExp})
		if (err == nil) != (want == nil) {
			t.Errorf("%s: %v; by x/exp/trace: %v", name, err, want)
			continue
		}
		if err != nil {
			continue
		}
		if (len(f.Warnings) == 0) != (len(g.Warnings) == 0) {
			t.Errorf("%s: %q; by x/exp/trace: %q", name, f.Warnings, g.Warnings)
			continue
		}
		if f.Goroutines != g.Goroutines {
			t.Errorf("%s: %d goroutines; by x/exp/trace: %d", name, f.Goroutines, g.Goroutines)
		}
		if len(f.Warnings) > 0 {
			continue // x/exp/trace shows what it has of the generation in which it gave up
		}
		drawn++
		samePicture(t, ours, theirs)
	}
	if drawn < 2 {
		t.Errorf("%d files were compared", drawn)
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
	if drawn, err := attrib.Draw(&source{rest: raw, cuts: []byte{250}}, live.into); drawn.Cut != nil || err != nil {
		t.Fatal(drawn, err)
	}
	f, err := gotrace.ReadFile(bytes.NewReader(raw), gotrace.FileOptions{Timeline: file.into, To: byExp})
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
