package attrib

import (
	"strings"

	"github.com/profscope/profscope/internal/ledger"
)

// lanes are tracks of one name, of which each takes one slice at a time: so
// whatever overlaps, no track is ever nested wrongly.
type lanes struct {
	name   string
	parent ledger.TrackID
	tracks []ledger.TrackID
	busy   []bool
}

type lane struct {
	of *lanes
	i  int
}

// openKey finds what has begun: a range of a resource, a task, a region.
type openKey struct {
	kind, name string
	id         int64
}

// Edge is where something begins or ends.
type Edge struct {
	Time      int64
	Goroutine int64 // on which; below 1 for none
	Stack     ledger.StackID
}

// Range is an edge of what the runtime does: name is its name, owner the
// processor or thread that does it ("P1"), "" for the whole process. One that
// had begun before is begun again by whoever goes on with it: once is enough.
func (t *Drawing) Range(name, owner string, begin bool, e Edge) {
	k := openKey{"range", name + owner, 0}
	switch {
	case !begin:
		t.end(k, e.Time)
	case len(t.open[k])+len(t.early[k]) == 0:
		t.begin(k, func() *lanes { return t.lane(strings.TrimSpace(name+" "+owner), orderGC) }, name, e)
	}
}

// Task is an edge of a user's task.
func (t *Drawing) Task(id uint64, name string, begin bool, e Edge) {
	t.named("task", id, name, begin, e)
}

// Scope is an edge of a scope of profscope.
func (t *Drawing) Scope(id uint64, name string, begin bool, e Edge) {
	t.named("scope", id, name, begin, e)
}

func (t *Drawing) named(kind string, id uint64, name string, begin bool, e Edge) {
	k := openKey{kind, "", int64(id)}
	if !begin {
		t.end(k, e.Time)
		return
	}
	t.begin(k, func() *lanes { return t.lane(kind+" "+name, orderTasks) }, name, e)
}

// Log draws a user's log event.
func (t *Drawing) Log(category, message string, e Edge) {
	d := t.find(e.Goroutine)
	if d == nil {
		return
	}
	if category == "" {
		category = "log"
	}
	t.out.Instant(ledger.Slice{Track: d.track, Begin: e.Time, Name: category, Category: "log",
		Args: []ledger.Arg{{Name: "message", Text: message}}})
}

// Region is an edge of a user's region, which has no id: of several of one
// name on a goroutine the innermost ends.
func (t *Drawing) Region(name string, begin bool, e Edge) {
	k := openKey{"region", name, e.Goroutine}
	if !begin {
		t.end(k, e.Time)
		return
	}
	t.begin(k, func() *lanes {
		d := t.goroutine(e.Goroutine, e.Stack, max(e.Time, t.from))
		if d.regions == nil {
			d.regions = &lanes{name: "regions of " + d.label, parent: d.track}
		}
		return d.regions
	}, name, e)
}

func (t *Drawing) lane(name string, order int32) *lanes {
	l := t.lanes[name]
	if l == nil {
		group := map[int32]string{orderGC: "GC", orderTasks: "tasks and scopes"}[order]
		l = &lanes{name: name, parent: t.group(group, order)}
		t.lanes[name] = l
	}
	return l
}

// begin opens a slice on the first lane that is free, of those on which it
// belongs.
func (t *Drawing) begin(k openKey, on func() *lanes, name string, e Edge) {
	if t.quiet {
		t.hold(k, func() { t.begin(k, on, name, Edge{t.from, e.Goroutine, e.Stack}) })
		return
	}
	l := on()
	i := 0
	for i < len(l.busy) && l.busy[i] {
		i++
	}
	if i == len(l.busy) {
		l.busy = append(l.busy, false)
		l.tracks = append(l.tracks, t.declare(ledger.Track{Parent: l.parent, Kind: ledger.TrackAsync, Name: l.name, Order: int32(i)}))
	}
	l.busy[i] = true
	t.open[k] = append(t.open[k], lane{l, i})
	s := ledger.Slice{Track: l.tracks[i], Begin: e.Time, Name: name, Category: k.kind, Stack: e.Stack}
	if e.Goroutine > 0 {
		s.Args = []ledger.Arg{{Name: "goroutine", Int: e.Goroutine}}
		if k.kind == "scope" {
			s.Args[0].Name = "self" // its role there
		}
	}
	t.out.Begin(s)
}

// end closes the slice that was opened last under k.
func (t *Drawing) end(k openKey, at int64) {
	if t.quiet {
		t.drop(k)
		return
	}
	open := t.open[k]
	if len(open) == 0 {
		return
	}
	l := open[len(open)-1]
	if len(open) == 1 {
		delete(t.open, k)
	} else {
		t.open[k] = open[:len(open)-1]
	}
	l.of.busy[l.i] = false
	t.out.End(l.of.tracks[l.i], at)
}
