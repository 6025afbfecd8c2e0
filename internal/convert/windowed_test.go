package convert

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/ledger"
)

// drawn records the slices of a timeline, and that it is one: every slice is
// ended, within the one around it, on a track that was declared.
type drawn struct {
	t      *testing.T
	tracks map[ledger.TrackID]string
	open   map[ledger.TrackID][]ledger.Slice
	slices []ledger.Slice
	end    int64
}

func newDrawn(t *testing.T) *drawn {
	return &drawn{t: t, tracks: make(map[ledger.TrackID]string), open: make(map[ledger.TrackID][]ledger.Slice)}
}

func (d *drawn) Clock(int64, int64)                 {}
func (d *drawn) Sample(ledger.Sample)               {}
func (d *drawn) Count(ledger.TrackID, int64, int64) {}
func (d *drawn) Track(t ledger.Track)               { d.tracks[t.ID] = t.Name }
func (d *drawn) Instant(s ledger.Slice)             { s.End = s.Begin; d.Span(s) }

func (d *drawn) Span(s ledger.Slice) {
	if _, ok := d.tracks[s.Track]; !ok {
		d.t.Errorf("%s is on a track that was not declared", s.Name)
	}
	if s.End < s.Begin {
		d.t.Errorf("%s ends %d before its begin %d", s.Name, s.End, s.Begin)
	}
	s.Args = slices.Clone(s.Args)
	d.slices = append(d.slices, s)
}

func (d *drawn) Begin(s ledger.Slice) {
	if open := d.open[s.Track]; len(open) > 0 && s.Begin < open[len(open)-1].Begin {
		d.t.Errorf("%s begins before the slice around it", s.Name)
	}
	d.open[s.Track] = append(d.open[s.Track], s)
}

func (d *drawn) End(track ledger.TrackID, t int64) {
	open := d.open[track]
	if len(open) == 0 {
		d.t.Errorf("an end without a begin at %d", t)
		return
	}
	s := open[len(open)-1]
	s.End = t
	d.open[track] = open[:len(open)-1]
	d.Span(s)
}

func (d *drawn) Close(t int64) error {
	for _, open := range d.open {
		if len(open) > 0 {
			d.t.Errorf("%s is not ended", open[0].Name)
		}
	}
	d.end = t
	return nil
}

// ending ends at its close what is open, as the encoders do.
type ending struct{ *drawn }

func (e ending) Close(t int64) error {
	for track, open := range e.open {
		for range open {
			e.End(track, t)
		}
	}
	return e.drawn.Close(t)
}

// totals sums what lies in [from, to) per name and track.
func (d *drawn) totals(from, to int64) map[string]int64 {
	sums := make(map[string]int64)
	for _, s := range d.slices {
		if n := min(s.End, to) - max(s.Begin, from); n > 0 {
			sums[d.tracks[s.Track]+": "+s.Name] += n
		}
	}
	return sums
}

func drawTorch(t *testing.T, wrap func(ledger.Timeline, int64) ledger.Timeline) (*drawn, int64) {
	t.Helper()
	in, err := Open("../../cmd/profscope/testdata/files/torch_graph.json.gz", Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := newDrawn(t)
	if err := in.Chrome.Draw(wrap(d, in.Chrome.First())); err != nil {
		t.Fatal(err)
	}
	return d, in.Chrome.First()
}

// TestWindowExact: of every name on every track, a window holds to the
// nanosecond what the whole holds between the same times.
func TestWindowExact(t *testing.T) {
	t.Parallel()
	whole, first := drawTorch(t, func(d ledger.Timeline, _ int64) ledger.Timeline { return d })
	for _, o := range []Options{
		{From: time.Millisecond, To: 3 * time.Millisecond},
		{From: 5 * time.Millisecond},
		{To: 20 * time.Microsecond},
		{From: 17*time.Millisecond + 1, To: 19*time.Millisecond + 7},
	} {
		part, _ := drawTorch(t, func(d ledger.Timeline, begin int64) ledger.Timeline { return newWindow(d, begin, o) })
		from, to := first+int64(o.From), int64(1<<63-1)
		if o.To > 0 {
			to = first + int64(o.To)
		}
		want := whole.totals(from, to)
		if got := part.totals(0, 1<<63-1); !maps.Equal(got, want) {
			t.Errorf("%v to %v: %d names, want %d", o.From, o.To, len(got), len(want))
		}
		if len(want) == 0 {
			t.Errorf("%v to %v: there is nothing to compare", o.From, o.To)
		}
		for _, s := range part.slices {
			if s.Begin < from || s.End > to {
				t.Errorf("%v to %v: %s lies outside", o.From, o.To, s.Name)
				break
			}
		}
	}
	// Both kinds of traces refuse a window that would leave an empty file.
	for _, name := range []string{"torch_graph.json.gz", "server.trace.gz"} {
		var b bytes.Buffer
		_, err := DrawTimeline(&b, []string{"../../cmd/profscope/testdata/files/" + name}, ".json", Options{From: time.Hour})
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "nothing of it is in the window") {
			t.Errorf("%s after its end: %v", name, err)
		}
	}
}

// TestWindowOfScopes: what of a Go trace begins before a window is drawn in it
// as far as it lies inside.
func TestWindowOfScopes(t *testing.T) {
	t.Parallel()
	draw := func(o Options) map[string][2]int64 {
		d := newDrawn(t)
		if _, err := drawOne("../../cmd/profscope/testdata/files/server.trace.gz", o, func(*ledger.Stacks) ledger.Timeline { return ending{d} }); err != nil {
			t.Fatal(err)
		}
		all := make(map[string][2]int64)
		for _, s := range d.slices {
			if s.Category == "region" || s.Category == "task" {
				all[s.Name] = [2]int64{s.Begin, s.End}
			}
		}
		return all
	}
	whole := draw(Options{})
	if len(whole) < 2 {
		t.Fatalf("%v: nothing to compare", whole)
	}
	in, err := Open("../../cmd/profscope/testdata/files/server.trace.gz", Options{})
	if err != nil {
		t.Fatal(err)
	}
	first := int64(in.Trace.Begin)
	crossed := 0
	for name, s := range whole {
		// From its middle on, which is after the begin of others too.
		middle := s[0]/2 + s[1]/2
		for _, o := range []Options{{From: time.Duration(middle - first)}, {To: time.Duration(middle - first)}} {
			from, to := int64(0), int64(1<<62)
			if o.From > 0 {
				from = middle
			} else {
				to = middle
			}
			want := make(map[string][2]int64)
			for n, s := range whole {
				if s[0] <= to && s[1] > from {
					want[n] = [2]int64{max(s[0], from), min(s[1], to)}
				}
			}
			if got := draw(o); !maps.Equal(got, want) {
				t.Errorf("%s: %v to %v: %v, want %v", name, o.From, o.To, got, want)
			}
			crossed++
		}
	}
	if crossed == 0 {
		t.Error("no window was looked at")
	}
}

// TestWindowLeftOpen: what a source leaves open is closed by the timeline, and
// the same input has the same bytes.
func TestWindowLeftOpen(t *testing.T) {
	t.Parallel()
	draw := func() string {
		var b bytes.Buffer
		w := newWindow(format.NewChrome(&b, ledger.NewStacks()), 0, Options{From: 50})
		for id := range ledger.TrackID(20) {
			w.Track(ledger.Track{ID: id + 1, Kind: ledger.TrackAsync, Name: "track"})
			w.Begin(ledger.Slice{Track: id + 1, Begin: int64(id), Name: "open"})
		}
		if err := w.Close(100); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	first := draw()
	if n := strings.Count(first, `"open"`); n < 20 {
		t.Errorf("%d slices of 20 in %s", n, first)
	}
	for range 10 {
		if again := draw(); again != first {
			t.Fatal("differs from the first")
		}
	}
}

// TestFocus: what matches stays with all that lies within it, what is to be
// ignored goes with all that lies within it, and the rest goes.
func TestFocus(t *testing.T) {
	t.Parallel()
	stacks := ledger.NewStacks()
	alpha := stacks.Intern(ledger.Frame{Func: "main.main"}, ledger.Frame{Func: "main.alpha"})
	play := func(tl ledger.Timeline) error {
		tl.Track(ledger.Track{ID: 1, Kind: ledger.TrackGroup, Name: "group"})
		tl.Track(ledger.Track{ID: 2, Parent: 1, Name: "plain"})
		tl.Track(ledger.Track{ID: 3, Parent: 1, Name: "alphas"})
		tl.Track(ledger.Track{ID: 4, Name: "unused"})
		tl.Begin(ledger.Slice{Track: 2, Begin: 0, Name: "outer"})
		tl.Begin(ledger.Slice{Track: 2, Begin: 1, Name: "alpha op"})
		tl.Begin(ledger.Slice{Track: 2, Begin: 2, Name: "within"})
		tl.End(2, 3)
		tl.Begin(ledger.Slice{Track: 2, Begin: 3, Name: "beta"})
		tl.Begin(ledger.Slice{Track: 2, Begin: 4, Name: "alpha in beta"})
		tl.End(2, 5)
		tl.End(2, 6)
		tl.End(2, 7)
		tl.End(2, 8)
		tl.Span(ledger.Slice{Track: 2, Begin: 9, End: 10, Name: "by stack", Stack: alpha})
		tl.Span(ledger.Slice{Track: 3, Begin: 9, End: 10, Name: "by track"})
		tl.Span(ledger.Slice{Track: 2, Begin: 11, End: 12, Name: "nothing"})
		return tl.Close(20)
	}
	for _, tt := range []struct {
		focus, ignore string
		want          []string
	}{
		{"alpha", "", []string{"alpha in beta", "alpha op", "beta", "by stack", "by track", "within"}},
		{"alpha", "beta", []string{"alpha op", "by stack", "by track", "within"}},
		{"", "alpha", []string{"nothing", "outer"}},
	} {
		compile := func(s string) *regexp.Regexp {
			if s == "" {
				return nil
			}
			return regexp.MustCompile(s)
		}
		d := newDrawn(t)
		if err := play(newFocused(d, stacks, compile(tt.focus), compile(tt.ignore))); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range d.slices {
			got = append(got, s.Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("focus %q, ignore %q: %q, want %q", tt.focus, tt.ignore, got, tt.want)
		}
		if _, ok := d.tracks[4]; ok {
			t.Error("a track of which nothing is left was declared")
		}
	}
	if err := play(newFocused(newDrawn(t), stacks, regexp.MustCompile("nobody"), nil)); err != errNothingLeft {
		t.Errorf("nothing is left: %v", err)
	}
}
