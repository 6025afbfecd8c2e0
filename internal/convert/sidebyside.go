package convert

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"

	"github.com/profscope/profscope/internal/ledger"
)

// ErrNoWallClock is the error for a file that cannot be laid beside others.
var ErrNoWallClock = errors.New("it does not tell the wall clock, which is what several files are laid side by side by: Go traces do since Go 1.25, and torch.profiler's by baseTimeNanoseconds")

// sideBySide draws several files as one timeline, by the wall clock: each below
// a track of its own name, from the moment on that the first of them began.
//
//  1. Each file is asked when it begins.
//  2. Each is drawn once more through a [shifted], which moves its times, gives
//     its tracks and arrows numbers of their own, and brings its stacks into
//     the table of the one encoder.
func sideBySide(names []string, o Options, encoder func(*ledger.Stacks) ledger.Timeline) (warnings []string, err error) {
	begins := make([]int64, len(names))
	for i, name := range names {
		if name == "-" {
			return nil, &Error{name, errors.New("of several files none can be standard input: each is read twice")}
		}
		if slices.Index(names, name) < i {
			return nil, &Error{name, errors.New("it is there twice")}
		}
		if begins[i], err = wallBegin(name, o); err != nil {
			return nil, err
		}
	}
	first := slices.Min(begins)
	stacks := ledger.NewStacks()
	out := encoder(stacks)
	out.Clock(0, first)
	all := &together{out: out, stacks: stacks, first: first}
	for _, name := range names {
		s := all.file(filepath.Base(name))
		one := o
		one.timeline = func(t *ledger.Stacks) ledger.Timeline {
			s.from = t
			return s
		}
		in, err := Open(name, one)
		if err != nil {
			return warnings, err
		}
		if in.Chrome != nil {
			if err := in.Chrome.Draw(newWindow(s, in.Chrome.First(), o)); err != nil {
				return warnings, &Error{name, err}
			}
			in.Warnings = in.Chrome.Warnings
		}
		for _, w := range in.Warnings {
			warnings = append(warnings, fmt.Sprintf("%s: %s", name, w))
		}
	}
	return warnings, out.Close(all.last)
}

// wallBegin returns what the wall clock showed when the file begins.
func wallBegin(name string, o Options) (int64, error) {
	in, err := Open(name, Options{Until: o.Until, Watch: o.Watch, clock: true})
	switch {
	case err != nil:
		return 0, err
	case in.Kind == KindTrace && !in.begin.IsZero():
		return in.begin.UnixNano(), nil
	case in.Chrome != nil && in.Chrome.BaseNano != 0:
		return in.Chrome.BaseNano + in.Chrome.First(), nil
	case in.Kind != KindTrace && in.Chrome == nil:
		return 0, &Error{name, noTimes(in.Kind)}
	}
	return 0, &Error{name, ErrNoWallClock}
}

// together is the timeline that several files share.
type together struct {
	out    ledger.Timeline
	stacks *ledger.Stacks
	first  int64 // unix nanoseconds at 0
	last   int64
	tracks ledger.TrackID
	flows  uint64
}

// file begins a file.
func (t *together) file(name string) *shifted {
	t.tracks++
	top := ledger.Track{ID: t.tracks, Kind: ledger.TrackGroup, Name: name, Order: int32(min(t.tracks, math.MaxInt32))}
	t.out.Track(top)
	return &shifted{together: t, top: top.ID, tracks: make(map[ledger.TrackID]ledger.TrackID), open: make(map[ledger.TrackID]int),
		flows: make(map[uint64]uint64), ids: make(map[ledger.StackID]ledger.StackID)}
}

// shifted is one file's part of a timeline.
type shifted struct {
	*together
	from   *ledger.Stacks // of the file; nil if it has none
	top    ledger.TrackID
	shift  int64 // what is added to the file's times
	tracks map[ledger.TrackID]ledger.TrackID
	open   map[ledger.TrackID]int // begun and not ended, by the file's tracks
	flows  map[uint64]uint64      // of which one end has been drawn
	ids    map[ledger.StackID]ledger.StackID
}

// Clock implements [ledger.Timeline].
func (s *shifted) Clock(ns, unixNanos int64) { s.shift = unixNanos - s.first - ns }

func (s *shifted) at(t int64) int64 {
	t += s.shift
	s.last = max(s.last, t)
	return t
}

// Track implements [ledger.Timeline].
func (s *shifted) Track(t ledger.Track) {
	s.together.tracks++
	id := s.together.tracks
	s.tracks[t.ID] = id
	t.ID = id
	if parent, ok := s.tracks[t.Parent]; ok && t.Parent != 0 {
		t.Parent = parent
	} else {
		t.Parent = s.top
	}
	s.out.Track(t)
}

func (s *shifted) stack(id ledger.StackID) ledger.StackID {
	if id == 0 || s.from == nil {
		return 0
	}
	to, ok := s.ids[id]
	if !ok {
		to = s.stacks.Push(s.stack(s.from.Parent(id)), s.stacks.Frame(s.from.FrameOf(s.from.Leaf(id))))
		s.ids[id] = to
	}
	return to
}

// arrows gives ids of the whole timeline to those of the file. An id that has
// both ends is forgotten.
func (s *shifted) arrows(ids []uint64) []uint64 {
	if len(ids) == 0 {
		return nil
	}
	to := make([]uint64, len(ids))
	for i, id := range ids {
		known, ok := s.flows[id]
		if ok {
			delete(s.flows, id)
		} else {
			s.together.flows++
			known = s.together.flows
			s.flows[id] = known
		}
		to[i] = known
	}
	return to
}

func (s *shifted) slice(x ledger.Slice) ledger.Slice {
	x.Track = s.tracks[x.Track]
	x.Begin, x.End = s.at(x.Begin), s.at(x.End)
	x.Stack = s.stack(x.Stack)
	x.FlowsIn, x.FlowsOut = s.arrows(x.FlowsIn), s.arrows(x.FlowsOut)
	return x
}

// Span implements [ledger.Timeline].
func (s *shifted) Span(x ledger.Slice) { s.out.Span(s.slice(x)) }

// Begin implements [ledger.Timeline].
func (s *shifted) Begin(x ledger.Slice) {
	s.open[x.Track]++
	x.End = x.Begin
	s.out.Begin(s.slice(x))
}

// End implements [ledger.Timeline].
func (s *shifted) End(track ledger.TrackID, t int64) {
	if s.open[track] > 0 {
		s.open[track]--
		s.out.End(s.tracks[track], s.at(t))
	}
}

// Instant implements [ledger.Timeline].
func (s *shifted) Instant(x ledger.Slice) {
	x.End = x.Begin
	s.out.Instant(s.slice(x))
}

// Count implements [ledger.Timeline].
func (s *shifted) Count(track ledger.TrackID, t, value int64) {
	s.out.Count(s.tracks[track], s.at(t), value)
}

// Sample implements [ledger.Timeline].
func (s *shifted) Sample(x ledger.Sample) {
	x.T, x.Track, x.Stack = s.at(x.T), s.tracks[x.Track], s.stack(x.Stack)
	s.out.Sample(x)
}

// Close ends what the file has left open, where the file ends, and leaves the
// timeline to the files after it.
func (s *shifted) Close(t int64) error {
	for _, track := range slices.Sorted(maps.Keys(s.open)) {
		for range s.open[track] {
			s.out.End(s.tracks[track], s.at(t))
		}
	}
	s.at(t)
	clear(s.open)
	return nil
}

func noTimes(k Kind) error {
	return fmt.Errorf("a timeline cannot be made from a %s: it has sums and no times", k)
}
