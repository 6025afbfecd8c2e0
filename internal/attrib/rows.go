package attrib

import (
	"cmp"
	"fmt"

	"github.com/profscope/profscope/internal/ledger"
)

// ownRows is how many goroutines have a track of their own. A viewer with a
// hundred thousand tracks is of no use: goroutines beyond share tracks, one
// after the other, with those that begin at the same function.
const ownRows = 2000

// row is a track of goroutines.
type row struct {
	track   ledger.TrackID
	label   string // "G7"; of a row that is shared "row 3"
	group   string
	shared  bool
	end     int64  // when the last goroutine left it
	regions *lanes // of the user's regions, if there are any
}

// drawn is a goroutine with a row.
type drawn struct {
	*row
	// The slice at hand: edges of scopes cut a span in two, and a reader
	// shall see one.
	slice  ledger.Slice
	state  ledger.State
	reason ledger.ReasonID

	arrow, arrived [1]uint64 // into the next slice, and into the one at hand
	arrives        bool      // there is an arrow

	members []membership
}

// membership is a goroutine's part in one call, which is told.
type membership struct {
	call *Call
	role ledger.Role
	end  int64 // so far
}

// goroutine returns the goroutine's row, by the function that it began with as
// far as at shows it. since is when something of it is drawn first.
func (t *Drawing) goroutine(id int64, at ledger.StackID, since int64) *drawn {
	near := &t.near[uint64(id)%uint64(len(t.near))]
	if near.d != nil && near.id == id {
		return near.d
	}
	d := t.goroutines[id]
	if d == nil {
		start := "[not known]"
		if at == 0 { // what it did first has no stack, and is told late
			if g := t.fold.gs.Get(id); g != nil {
				at = cmp.Or(g.began, g.stack)
			}
		}
		if at != 0 {
			start = t.fold.Root(at)
		}
		d = &drawn{row: t.row(id, start, since)}
		t.goroutines[id] = d
		if d.shared {
			t.out.Instant(ledger.Slice{Track: d.track, Begin: since, Name: "goroutine", Category: "goroutine",
				Args: []ledger.Arg{{Name: "goroutine", Int: id}}})
		}
	}
	near.id, near.d = id, d
	return d
}

// row returns a row for a goroutine: its own, or one that is free since then.
func (t *Drawing) row(id int64, start string, since int64) *row {
	shared := t.rows >= ownRows
	if free := t.free[start]; shared && len(free) > 0 && free[0].end <= since {
		t.free[start] = free[1:]
		return free[0]
	}
	t.rows++
	r := &row{group: start, shared: shared}
	order := int32(id & (1<<30 - 1))
	r.label = fmt.Sprintf("G%d", id)
	if shared {
		t.shared[start]++
		order = 1<<30 + int32(t.shared[start])
		r.label = fmt.Sprintf("row %d", t.shared[start])
	}
	name := r.label + " " + start
	if shared {
		name += ", one after the other"
	}
	r.track = t.declare(ledger.Track{Parent: t.group(start, orderUser), Kind: ledger.TrackGoroutine,
		Name: name, Number: id, Order: order})
	return r
}

// find returns the goroutine's row, nil if it has none.
func (t *Drawing) find(id int64) *drawn {
	if near := &t.near[uint64(id)%uint64(len(t.near))]; near.d != nil && near.id == id {
		return near.d
	}
	return t.goroutines[id]
}

// forget ends the drawing of a goroutine that has ended: of a program that
// starts a million of them, only those that are there are held.
func (t *Drawing) forget(id int64) {
	d := t.goroutines[id]
	if d == nil {
		return
	}
	d.end = max(d.end, d.slice.End)
	t.flush(d)
	delete(t.goroutines, id)
	if near := &t.near[uint64(id)%uint64(len(t.near))]; near.id == id {
		near.d = nil
	}
	if d.shared {
		t.free[d.group] = append(t.free[d.group], d.row)
	}
}

func (t *Drawing) flush(d *drawn) {
	if d.slice.Track != 0 {
		t.out.Span(d.slice)
		d.slice.Track = 0
	}
}

// Member tells a goroutine's role in a scope, of which s is a span, where it
// begins. Who opened a scope stands at the scope itself: only spawned and
// joined goroutines are told of. A track beside the goroutine's would show the
// end too, and double the number of tracks.
func (t *Drawing) Member(c *Call, s ledger.Span) {
	if s.Role == ledger.Self || s.Role == ledger.Process {
		return
	}
	d := t.goroutine(s.Goroutine, s.Stack, s.Begin)
	kept := d.members[:0]
	known := false
	for _, m := range d.members {
		if m.call == c && m.role == s.Role && m.end == s.Begin {
			m.end, known = s.End, true
		}
		if m.end >= s.Begin { // it may go on
			kept = append(kept, m)
		}
	}
	clear(d.members[len(kept):])
	d.members = kept
	if known {
		return
	}
	d.members = append(d.members, membership{c, s.Role, s.End})
	t.out.Instant(ledger.Slice{Track: d.track, Begin: s.Begin, Name: s.Role.String() + ": " + c.Door.Ledger.Name, Category: "role"})
}
