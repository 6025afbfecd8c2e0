package gotrace_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime/trace"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/gotrace"
	xtrace "golang.org/x/exp/trace"
)

// recording serialises the tests that record: there is one tracer.
var recording sync.Mutex

// record returns the trace of f, in several generations.
func record(t testing.TB, f func(ctx context.Context)) []byte {
	t.Helper()
	recording.Lock()
	defer recording.Unlock()
	var b bytes.Buffer
	if err := trace.Start(&b); err != nil {
		t.Skip("the tracer is taken, run without -trace: ", err)
	}
	ctx, task := trace.NewTask(context.Background(), "recorded")
	f(ctx)
	// Starting and stopping a flight recorder makes generations.
	r := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	if err := r.Start(); err == nil {
		f(ctx)
		r.Stop()
	}
	f(ctx)
	task.End()
	trace.Stop()
	return b.Bytes()
}

// workload keeps goroutines busy that block, wake and make system calls while
// others are parked; around is called on each of them, with what it has to do.
func workload(around func(ctx context.Context, f func())) func(context.Context) {
	return func(ctx context.Context) {
		parked := make(chan bool)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { <-parked })
		}
		c := make(chan int)
		for range 4 {
			wg.Go(func() {
				for range 25 {
					around(ctx, func() {
						c <- 1
						time.Sleep(10 * time.Microsecond)
					})
				}
			})
		}
		for range 100 {
			<-c
		}
		close(parked)
		wg.Wait()
	}
}

func nested(ctx context.Context, f func()) {
	defer trace.StartRegion(ctx, "outer").End()
	defer trace.StartRegion(ctx, "inner").End()
	f()
}

func overlapping(ctx context.Context, f func()) {
	a := trace.StartRegion(ctx, "a")
	b := trace.StartRegion(ctx, "b")
	f()
	a.End()
	b.End()
}

func endedElsewhere(ctx context.Context, f func()) {
	r := trace.StartRegion(ctx, "r")
	f()
	done := make(chan bool)
	go func() { // the parser minds only where another region is open
		defer close(done)
		defer trace.StartRegion(ctx, "its own").End()
		r.End()
	}()
	<-done
}

// source gives a trace in pieces of the lengths that cuts has, over and over,
// and whole if it has none.
type source struct {
	rest []byte
	cuts []byte
	i    int
}

func (s *source) Next() ([]byte, bool) {
	if len(s.rest) == 0 {
		return nil, false
	}
	n := len(s.rest)
	if len(s.cuts) > 0 {
		n = min(max(1, int(s.cuts[s.i%len(s.cuts)])), n)
		s.i++
	}
	p := s.rest[:n:n]
	s.rest = s.rest[n:]
	return p, true
}

func (s *source) Done([]byte) {}

// filter feeds b whole.
func filter(b []byte) []byte {
	var f gotrace.Filter
	return slices.Clone(f.Feed(b))
}

// transitions returns what a trace tells of each goroutine, with its stacks,
// and the error that ended it. Statuses that change nothing are left out.
func transitions(b []byte) (map[xtrace.GoID][]string, int, error) {
	r, err := xtrace.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, 0, err
	}
	gs := make(map[xtrace.GoID][]string)
	n := 0
	for {
		e, err := r.ReadEvent()
		if err == io.EOF {
			return gs, n, nil
		}
		if err != nil {
			return gs, n, err
		}
		if e.Kind() != xtrace.EventStateTransition {
			continue
		}
		st := e.StateTransition()
		if st.Resource.Kind != xtrace.ResourceGoroutine {
			continue
		}
		from, to := st.Goroutine()
		if from == to {
			continue
		}
		s := fmt.Sprint(from, " ", to, " ", st.Reason, " on ", e.Goroutine())
		for f := range e.Stack().Frames() {
			s += fmt.Sprintf(" %s:%d", f.Func, f.Line)
		}
		g := st.Resource.Goroutine()
		gs[g] = append(gs[g], s)
		n++
	}
}

// TestFilterKeepsGoroutines compares a trace that any parser reads with what
// the filter leaves of it: each goroutine's history is the same.
func TestFilterKeepsGoroutines(t *testing.T) {
	raw := record(t, workload(nested))
	want, n, err := transitions(raw)
	if err != nil {
		t.Fatal("without the filter: ", err)
	}
	filtered := filter(raw)
	got, _, err := transitions(filtered)
	if err != nil {
		t.Fatal("with the filter: ", err)
	}
	if bytes.Equal(filtered, raw) || n < 100 {
		t.Errorf("nothing is filtered, of %d transitions", n)
	}
	for g, w := range want {
		if !slices.Equal(got[g], w) {
			t.Errorf("goroutine %d:\n%q\nwant\n%q", g, got[g], w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d goroutines, want %d", len(got), len(want))
	}
	if bytes.Contains(regionEvents(t, filtered), []byte("r")) {
		t.Error("a region is left")
	}
}

// regionEvents returns an r for each region event.
func regionEvents(t *testing.T, b []byte) (rs []byte) {
	r, err := xtrace.NewReader(bytes.NewReader(b))
	for err == nil {
		var e xtrace.Event
		if e, err = r.ReadEvent(); err == nil && (e.Kind() == xtrace.EventRegionBegin || e.Kind() == xtrace.EventRegionEnd) {
			rs = append(rs, 'r')
		}
	}
	if err != io.EOF {
		t.Error(err)
	}
	return rs
}

// TestFilterCuresMisusedRegions records what no parser reads, and reads it.
func TestFilterCuresMisusedRegions(t *testing.T) {
	for _, tt := range []struct {
		name   string
		around func(context.Context, func())
	}{{"overlapping", overlapping}, {"ended elsewhere", endedElsewhere}} {
		t.Run(tt.name, func(t *testing.T) {
			raw := record(t, workload(tt.around))
			_, before, err := transitions(raw)
			if err == nil {
				t.Error("the parser reads it without the filter: this test tests nothing")
			}
			gs, after, err := transitions(filter(raw))
			if err != nil {
				t.Fatal(err)
			}
			if after <= before || len(gs) < 3*24 {
				t.Errorf("%d transitions of %d goroutines, without the filter there were %d", after, len(gs), before)
			}
			tl := newTimeline()
			if err := attrib.Read(&source{rest: raw}, tl.fold); err != nil {
				t.Error(err)
			}
		})
	}
}
