package importer

import (
	"fmt"

	"github.com/profscope/profscope/internal/ledger"
)

// Draw draws the trace: a track for each thread and stream, below its process
// or device, and arrows from launches to what they launched. Slices of a
// thread that overlap without being nested go to tracks of their own. It
// closes the timeline.
func (t *ChromeTrace) Draw(out ledger.Timeline) error {
	if t.BaseNano != 0 {
		out.Clock(0, t.BaseNano)
	}
	d := &chromeDrawing{t: t, out: out, groups: make(map[uint32]ledger.TrackID), arrows: t.arrows()}
	t.slices.all(func(e *slice) bool {
		if d.begun && e.thread != d.thread {
			d.closeAll()
		}
		d.begun, d.thread = true, e.thread
		d.slice(e)
		return true
	})
	d.closeAll()
	if d.left > 0 {
		t.warn("%d slices are not drawn: more than %d overlap on one thread", d.left, maxLanes)
	}
	return out.Close(t.last)
}

type chromeDrawing struct {
	t      *ChromeTrace
	out    ledger.Timeline
	next   ledger.TrackID
	groups map[uint32]ledger.TrackID // by process
	arrows map[uint64]*arrows

	thread uint32
	begun  bool
	lanes  []*chromeLane
	left   int64
}

// maxLanes bounds what overlaps on one thread: each slice looks at all lanes.
const maxLanes = 512

// chromeLane is a track with the ends of the slices that are open on it, the
// innermost last.
type chromeLane struct {
	track ledger.TrackID
	ends  []int64
}

func (d *chromeDrawing) track(tr ledger.Track) ledger.TrackID {
	d.next++
	tr.ID = d.next
	d.out.Track(tr)
	return tr.ID
}

func (d *chromeDrawing) close(l *chromeLane, until int64) {
	n := len(l.ends)
	for ; n > 0 && l.ends[n-1] <= until; n-- {
		d.out.End(l.track, l.ends[n-1])
	}
	l.ends = l.ends[:n]
}

func (d *chromeDrawing) closeAll() {
	for _, l := range d.lanes {
		d.close(l, 1<<63-1)
	}
	d.lanes = d.lanes[:0]
}

// slice draws the next slice of a thread, in the order of their begins, the
// longer first.
func (d *chromeDrawing) slice(e *slice) {
	var lane *chromeLane
	for _, l := range d.lanes {
		d.close(l, e.ts)
		if n := len(l.ends); n == 0 || e.end() <= l.ends[n-1] {
			lane = l
			break
		}
	}
	if lane == nil {
		if len(d.lanes) == maxLanes {
			d.left++
			return
		}
		lane = d.lane(e)
	}
	s := ledger.Slice{Track: lane.track, Begin: e.ts, Name: d.t.names[e.name], Category: e.cat.String()}
	if a := d.arrows[e.corr]; a != nil && e.corr != 0 {
		s.FlowsIn, s.FlowsOut = a.of(e)
	}
	d.out.Begin(s)
	lane.ends = append(lane.ends, e.end())
}

// lane makes one more track for the thread at hand.
func (d *chromeDrawing) lane(e *slice) *chromeLane {
	id := d.t.threads[e.thread]
	group, ok := d.groups[id.pid]
	if !ok {
		group = d.track(ledger.Track{Kind: ledger.TrackGroup, Name: "process " + d.t.names[id.pid], Order: int32(len(d.groups))})
		d.groups[id.pid] = group
	}
	name := "thread " + d.t.names[id.tid]
	if e.cat.device() || e.cat == catGPUAnnotation {
		name = "stream " + d.t.names[id.tid]
	}
	if len(d.lanes) > 0 {
		name = fmt.Sprintf("%s (%d)", name, len(d.lanes)+1)
	}
	lane := &chromeLane{track: d.track(ledger.Track{Parent: group, Kind: ledger.TrackAsync, Name: name, Order: int32(d.next)})}
	d.lanes = append(d.lanes, lane)
	return lane
}

// arrows are those from one launch to what it launched.
type arrows struct {
	from   int64 // when the launch began
	ids    []uint64
	used   int // ids that have arrived
	begins bool
}

func (t *ChromeTrace) arrows() map[uint64]*arrows {
	all := make(map[uint64]*arrows)
	var next uint64
	t.slices.all(func(e *slice) bool {
		l, ok := t.launches[e.corr]
		if !ok || e.corr == 0 || !e.cat.device() || l.ts > e.ts {
			return true
		}
		a := all[e.corr]
		if a == nil {
			a = &arrows{from: l.ts}
			all[e.corr] = a
		}
		next++
		a.ids = append(a.ids, next)
		return true
	})
	return all
}

// of returns the arrows that arrive at e, and that leave it.
func (a *arrows) of(e *slice) (in, out []uint64) {
	switch {
	case e.cat.api() && e.ts == a.from && !a.begins:
		a.begins = true
		return nil, a.ids
	case e.cat.device() && e.ts >= a.from && a.used < len(a.ids):
		a.used++
		return a.ids[a.used-1 : a.used], nil
	}
	return nil, nil
}

// String returns the category as torch has it.
func (c category) String() string { return categoryNames[c] }

var categoryNames = func() (names [catOverhead + 1]string) {
	names[catOther], names[catAsync] = "slice", "async"
	for name, c := range categories {
		names[c] = name
	}
	return names
}()
