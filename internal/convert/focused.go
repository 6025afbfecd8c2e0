package convert

import (
	"errors"
	"regexp"

	"github.com/profscope/profscope/internal/ledger"
)

// focused passes on the slices of a timeline that --focus and --ignore leave:
// those whose own name, track or stack has a match, and what lies within them.
// Counters stay, for they belong to no function. Arrows are left out: their
// other end may be. Tracks are declared when something is left on them.
type focused struct {
	ledger.Timeline
	stacks        *ledger.Stacks
	focus, ignore *regexp.Regexp // nil: no condition
	tracks        map[ledger.TrackID]*focusedTrack
	stackMatches  map[ledger.StackID]verdictOf
	left          bool // something is
}

type focusedTrack struct {
	ledger.Track
	declared bool
	verdict  verdictOf
	open     []verdictOf
}

// verdictOf tells what matched, of a slice or of what is around it.
type verdictOf struct{ focused, ignored, given bool }

// errNothingLeft is the error for conditions that leave an empty file.
var errNothingLeft = errors.New("nothing of the timeline is left by --focus and --ignore")

func newFocused(out ledger.Timeline, stacks *ledger.Stacks, focus, ignore *regexp.Regexp) *focused {
	return &focused{Timeline: out, stacks: stacks, focus: focus, ignore: ignore,
		tracks: make(map[ledger.TrackID]*focusedTrack), stackMatches: make(map[ledger.StackID]verdictOf)}
}

func (f *focused) name(s string) verdictOf {
	return verdictOf{focused: f.focus == nil || f.focus.MatchString(s), ignored: f.ignore != nil && f.ignore.MatchString(s)}
}

func (v verdictOf) or(w verdictOf) verdictOf {
	return verdictOf{focused: v.focused || w.focused, ignored: v.ignored || w.ignored}
}

func (v verdictOf) kept() bool { return v.focused && !v.ignored }

// stack is the verdict on a stack, each of which is looked at once.
func (f *focused) stack(id ledger.StackID) verdictOf {
	if id == 0 {
		return verdictOf{}
	}
	v, ok := f.stackMatches[id]
	if !ok {
		for at := id; at != 0; at = f.stacks.Parent(at) {
			v = v.or(f.name(f.stacks.FrameOf(f.stacks.Leaf(at)).Func))
		}
		f.stackMatches[id] = v
	}
	return v
}

func (f *focused) track(id ledger.TrackID) *focusedTrack {
	t := f.tracks[id]
	if t == nil {
		t = &focusedTrack{declared: true} // 0, or one that the source never told
		f.tracks[id] = t
	}
	return t
}

func (f *focused) Track(t ledger.Track) {
	v := f.name(t.Name)
	if parent := f.tracks[t.Parent]; parent != nil {
		v = v.or(parent.verdict)
	}
	f.tracks[t.ID] = &focusedTrack{Track: t, verdict: v}
}

func (f *focused) declare(id ledger.TrackID) {
	t := f.track(id)
	if t.declared {
		return
	}
	t.declared = true
	if t.Parent != 0 {
		f.declare(t.Parent)
	}
	f.Timeline.Track(t.Track)
}

// admit decides on a slice, and makes its track known if it stays.
func (f *focused) admit(s *ledger.Slice) verdictOf {
	t := f.track(s.Track)
	v := f.name(s.Name).or(f.stack(s.Stack)).or(t.verdict)
	if n := len(t.open); n > 0 {
		v = v.or(t.open[n-1])
	}
	if v.given = v.kept(); v.given {
		f.left = true
		f.declare(s.Track)
		s.FlowsIn, s.FlowsOut = nil, nil
	}
	return v
}

func (f *focused) Span(s ledger.Slice) {
	if f.admit(&s).given {
		f.Timeline.Span(s)
	}
}

func (f *focused) Instant(s ledger.Slice) {
	if f.admit(&s).given {
		f.Timeline.Instant(s)
	}
}

func (f *focused) Begin(s ledger.Slice) {
	v := f.admit(&s)
	if v.given {
		f.Timeline.Begin(s)
	}
	t := f.track(s.Track)
	t.open = append(t.open, v)
}

func (f *focused) End(track ledger.TrackID, at int64) {
	t := f.track(track)
	n := len(t.open)
	if n == 0 {
		return
	}
	if t.open[n-1].given {
		f.Timeline.End(track, at)
	}
	t.open = t.open[:n-1]
}

func (f *focused) Count(track ledger.TrackID, t, value int64) {
	f.declare(track)
	f.Timeline.Count(track, t, value)
}

func (f *focused) Sample(s ledger.Sample) {
	v := f.stack(s.Stack)
	if s.Track != 0 {
		v = v.or(f.track(s.Track).verdict)
	}
	if v.kept() {
		f.left = true
		f.declare(s.Track)
		f.Timeline.Sample(s)
	}
}

func (f *focused) Close(t int64) error {
	if err := f.Timeline.Close(t); err != nil {
		return err
	}
	if !f.left {
		return errNothingLeft
	}
	return nil
}
