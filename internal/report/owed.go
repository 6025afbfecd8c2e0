package report

import (
	"sync"
	"sync/atomic"
)

// Teller is how a door is told of an error that no Stop returns. A door has
// one, whose address tells it from other doors: functions cannot be compared.
type Teller struct {
	OnError func(error) // nil for the log
	owed    atomic.Bool // it is in a Destination's owed list
}

// maxOwed bounds the doors of one destination that wait for one write: where
// each call makes a door of its own, those beyond it are not told.
const maxOwed = 1024

// owed is the doors whose calls have ended and are not on the disk yet: they
// are told if the write fails. The zero value is ready.
type owed struct {
	mu      sync.Mutex
	tellers []*Teller
}

// Owe notes that a call of t's door has ended and is left to a later write.
func (d *Destination) Owe(t *Teller) {
	if t.owed.Load() { // at every end of a hot function
		return
	}
	o := &d.owed
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.tellers) < maxOwed && !t.owed.Swap(true) {
		o.tellers = append(o.tellers, t)
	}
}

// settled empties the list, for a write that begins, and returns what it was.
func (o *owed) settled() []*Teller {
	o.mu.Lock()
	defer o.mu.Unlock()
	ts := o.tellers
	o.tellers = nil
	for _, t := range ts {
		t.owed.Store(false)
	}
	return ts
}

// Tell tells err, if it is one, to all whose calls d still owes a write, but
// for except, which returns it; log gets it for those without OnError, and
// where nobody else does.
func (d *Destination) Tell(err error, except *Teller, log func(error)) {
	if err == nil {
		return
	}
	d.owed.mu.Lock()
	ts := append([]*Teller(nil), d.owed.tellers...)
	d.owed.mu.Unlock()
	told, toLog := except != nil, false
	for _, t := range ts {
		switch {
		case t == except:
		case t.OnError != nil:
			t.OnError(err)
			told = true
		default:
			toLog = true
		}
	}
	if !told && !toLog {
		// Only open calls were to be written.
		if f := d.OnError(); f != nil {
			f(err)
			return
		}
		toLog = true
	}
	if toLog {
		log(err)
	}
}
