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
	in, from := t.arrows()
	d := &chromeDrawing{t: t, out: out, groups: make(map[uint32]ledger.TrackID)}
	for i := 0; i < len(t.events); {
		end := i
		for end < len(t.events) && t.events[end].thread == t.events[i].thread {
			end++
		}
		d.thread(i, end, in, from)
		i = end
	}
	return out.Close(d.last)
}

type chromeDrawing struct {
	t      *ChromeTrace
	out    ledger.Timeline
	next   ledger.TrackID
	groups map[uint32]ledger.TrackID // by process
	last   int64
}

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

// thread draws the events of one thread, which are sorted by their begins, the
// longer first.
func (d *chromeDrawing) thread(from, to int, in map[int]uint64, outs map[int][]uint64) {
	t := d.t
	id := t.threads[t.events[from].thread]
	group, ok := d.groups[id.pid]
	if !ok {
		group = d.track(ledger.Track{Kind: ledger.TrackGroup, Name: "process " + t.names[id.pid], Order: int32(len(d.groups))})
		d.groups[id.pid] = group
	}
	var lanes []*chromeLane
	close := func(l *chromeLane, until int64) {
		for n := len(l.ends); n > 0 && l.ends[n-1] <= until; n-- {
			d.out.End(l.track, l.ends[n-1])
			l.ends = l.ends[:n-1]
		}
	}
	for i := from; i < to; i++ {
		e := &t.events[i]
		d.last = max(d.last, e.end())
		var lane *chromeLane
		for _, l := range lanes {
			close(l, e.ts)
			if n := len(l.ends); n == 0 || e.end() <= l.ends[n-1] {
				lane = l
				break
			}
		}
		if lane == nil {
			name := "thread " + t.names[id.tid]
			if e.cat.device() || e.cat == catGPUAnnotation {
				name = "stream " + t.names[id.tid]
			}
			if len(lanes) > 0 {
				name = fmt.Sprintf("%s (%d)", name, len(lanes)+1)
			}
			lane = &chromeLane{track: d.track(ledger.Track{Parent: group, Kind: ledger.TrackAsync, Name: name, Order: int32(d.next)})}
			lanes = append(lanes, lane)
		}
		s := ledger.Slice{Track: lane.track, Begin: e.ts, Name: t.names[e.name], Category: e.cat.String(), FlowsOut: outs[i]}
		if id, ok := in[i]; ok {
			s.FlowsIn = []uint64{id}
		}
		d.out.Begin(s)
		lane.ends = append(lane.ends, e.end())
	}
	for _, l := range lanes {
		close(l, 1<<63-1)
	}
}

// arrows returns the arrow that arrives at each piece of work of a device, and
// those that leave each launch.
func (t *ChromeTrace) arrows() (in map[int]uint64, out map[int][]uint64) {
	in, out = make(map[int]uint64), make(map[int][]uint64)
	launches := t.launches()
	var next uint64
	for i := range t.events {
		e := &t.events[i]
		if !e.cat.device() || e.corr == 0 {
			continue
		}
		if at, ok := launches[e.corr]; ok && t.events[at].ts <= e.ts {
			next++
			in[i] = next
			out[int(at)] = append(out[int(at)], next)
		}
	}
	return in, out
}

// String returns the category as torch has it.
func (c category) String() string {
	for name, k := range categories {
		if k == c {
			return name
		}
	}
	if c == catAsync {
		return "async"
	}
	return "slice"
}
