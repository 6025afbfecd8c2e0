package convert

import (
	"errors"
	"maps"
	"slices"

	"github.com/profscope/profscope/internal/ledger"
)

// windowed passes on what of a timeline lies in [from, to), with slices cut at
// its edges. Go traces are cut where they are read; this is for sources that
// are read whole.
//
// A slice that is opened before the window may end before it, too: it is held
// until that is known.
type windowed struct {
	ledger.Timeline
	from, to int64
	some     bool // something was passed on
	open     map[ledger.TrackID][]windowedSlice
}

type windowedSlice struct {
	ledger.Slice
	given bool
}

// errOutside is the error for a window that leaves an empty file.
var errOutside = errors.New("nothing of it is in the window asked for")

// newWindow bounds out to the times between from and to after begin; to 0 is no
// bound.
func newWindow(out ledger.Timeline, begin int64, o Options) ledger.Timeline {
	if o.From == 0 && o.To == 0 {
		return out
	}
	w := &windowed{Timeline: out, from: begin + int64(o.From), to: 1<<63 - 1, open: make(map[ledger.TrackID][]windowedSlice)}
	if o.To > 0 {
		w.to = begin + int64(o.To)
	}
	return w
}

func (w *windowed) inside(t int64) bool { return w.from <= t && t < w.to }

func (w *windowed) Begin(s ledger.Slice) {
	open := w.open[s.Track]
	if w.inside(s.Begin) {
		w.give(open)
		w.pass().Begin(s)
		w.open[s.Track] = append(open, windowedSlice{given: true})
		return
	}
	if s.Begin < w.from {
		// The source keeps its lists.
		s.Args, s.FlowsIn, s.FlowsOut = slices.Clone(s.Args), nil, nil
	}
	w.open[s.Track] = append(open, windowedSlice{Slice: s})
}

// pass is where what is in the window goes.
func (w *windowed) pass() ledger.Timeline {
	w.some = true
	return w.Timeline
}

// give opens those of the slices, the outermost first, that are held.
func (w *windowed) give(open []windowedSlice) {
	for i := range open {
		if s := &open[i]; !s.given {
			s.given, s.Begin = true, max(s.Begin, w.from)
			w.pass().Begin(s.Slice)
		}
	}
}

func (w *windowed) End(track ledger.TrackID, t int64) {
	open := w.open[track]
	if len(open) == 0 {
		return
	}
	last := open[len(open)-1]
	if !last.given && last.Begin < w.from && t > w.from {
		w.give(open)
		last.given = true
	}
	if last.given {
		w.Timeline.End(track, min(t, w.to))
	}
	w.open[track] = open[:len(open)-1]
}

func (w *windowed) Span(s ledger.Slice) {
	if s.Begin >= w.to || s.End <= w.from && s.Begin < w.from {
		return
	}
	s.Begin, s.End = max(s.Begin, w.from), min(s.End, w.to)
	w.pass().Span(s)
}

func (w *windowed) Instant(s ledger.Slice) {
	if w.inside(s.Begin) {
		w.pass().Instant(s)
	}
}

func (w *windowed) Count(track ledger.TrackID, t, value int64) {
	if w.inside(t) {
		w.pass().Count(track, t, value)
	}
}

func (w *windowed) Sample(s ledger.Sample) {
	if w.inside(s.T) {
		w.pass().Sample(s)
	}
}

func (w *windowed) Close(t int64) error {
	for _, track := range slices.Sorted(maps.Keys(w.open)) { // in a nested timeline what is left is held alone
		w.give(slices.DeleteFunc(w.open[track], func(s windowedSlice) bool { return s.Begin >= w.to }))
	}
	if !w.some {
		return errOutside
	}
	return w.Timeline.Close(max(w.from, min(t, w.to)))
}
