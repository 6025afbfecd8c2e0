package report

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/profscope/profscope/internal/ledger"
)

// snapshotLocked returns a copy of d's ledger with the open calls added, that can be
// read while the engine goes on. The caller holds the lock.
func (e *Engine) snapshotLocked(d *Destination) *ledger.Ledger {
	l := *d.ledger
	l.Book, l.Dropped = d.ledger.Book.Clone(), d.ledger.Dropped.Clone()
	l.Lengths = d.ledger.Lengths.Clone()
	if ns := d.started.Load(); ns != 0 {
		l.Start = time.Unix(0, ns-d.past)
	}
	e.reg.RLock()
	l.Notes = slices.Clone(d.notes)
	e.reg.RUnlock()
	if d.lost > 0 {
		l.Notes = append(l.Notes, fmt.Sprintf("%d calls are missing: they began and ended while the execution trace was not ours or could not be read.", d.lost))
	}
	l.GoVersion, l.GOMAXPROCS = runtime.Version(), runtime.GOMAXPROCS(0)
	l.Program = program
	e.fold.AddOpen(&l, d.ledger)
	l.Stacks = d.ledger.Stacks.View() // last: what open calls booked can be new stacks
	return &l
}

// Write writes d if it has anything new, or, if open calls are to be written
// too, has one or calls itself unfinished without need. What somebody asked for is
// left alone afterwards: the file may be the user's to take away. A failure leaves
// it to be written again. What another call is writing at the moment is on the
// disk when Write returns.
func (e *Engine) Write(d *Destination, openToo, final bool) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	d.raw.settle()
	e.mu.Lock()
	if !d.due(final) && !(openToo && (d.unfinished || e.fold.Opened(d.ledger))) || d.started.Load() == 0 || d.discarded {
		e.mu.Unlock()
		return nil
	}
	l := e.snapshotLocked(d)
	booked := d.booked
	nothingNew := booked == d.written && l.Open == 0
	waiting := d.owed.settled(d.seen() + d.lost)
	e.mu.Unlock()
	l.Unfinished = l.Unfinished || !final && !openToo && !d.perCall
	if err := l.Check(); err != nil { // cannot be; but a wrong number must not look right
		l.Notes = append(l.Notes, "Internal error, please report: "+err.Error()+".")
	}
	wrote, held, err := d.put(l, final, nothingNew)
	if err = errors.Join(err, d.rawFailure(final && l.Open == 0)); err != nil {
		for _, t := range waiting {
			d.Owe(t)
		}
		return err
	}
	if wrote {
		d.unusable.Store(nil)
	}
	d.logged.well()
	e.mu.Lock()
	d.written, d.held, d.unfinished = booked, held, l.Unfinished && l.Open == 0
	e.mu.Unlock()
	if d.perCall && l.Open == 0 {
		e.forget(d)
	}
	return nil
}

// Dirty returns the destinations that have something to be written; final says
// that no scope is open.
func (e *Engine) Dirty(final bool) []*Destination {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reg.RLock()
	defer e.reg.RUnlock()
	var ds []*Destination
	for _, d := range e.order {
		if d.due(final) {
			ds = append(ds, d)
		}
	}
	return ds
}

// All returns all destinations in the order of their making.
func (e *Engine) All() []*Destination {
	e.reg.RLock()
	defer e.reg.RUnlock()
	return slices.Clone(e.order)
}
