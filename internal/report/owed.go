package report

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Teller is how a door is told of an error that no Stop returns. A door has
// one, whose address tells it from other doors: functions cannot be compared.
type Teller struct {
	OnError func(error)  // nil for the log
	owed    atomic.Bool  // it is in a Destination's owed list
	latest  atomic.Int64 // which end of the Destination's scopes its last one was
	busy    atomic.Bool  // OnError runs
}

// Tell gives err to OnError, or to log where there is none. To log goes too
// what fails while OnError still runs: it may have been the cause, by a Flush or
// a scope of its own, and would be for ever. A panic of OnError is logged, for it
// may be on a goroutine of ours, where the program cannot recover it. Nobody who
// calls Tell may hold a lock that ending a scope takes.
func (t *Teller) Tell(err error, log func(error)) {
	if t.OnError == nil || t.busy.Swap(true) {
		log(err)
		return
	}
	defer func() {
		t.busy.Store(false)
		if p := recover(); p != nil {
			log(fmt.Errorf("profscope: the function given to OnError panicked: %v (it was told: %w)", p, err))
		}
	}()
	t.OnError(err)
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
	ends := d.ends.Load()
	for last := t.latest.Load(); ends > last && !t.latest.CompareAndSwap(last, ends); {
		last = t.latest.Load()
	}
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

// settled takes those whose calls are among the first ends of the destination's
// scopes, which is what a write has that begins.
func (o *owed) settled(ends int64) (ts []*Teller) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tellers = slices.DeleteFunc(o.tellers, func(t *Teller) bool {
		t.owed.Store(false) // first: an Owe that comes after it does not rely on the list
		if t.latest.Load() > ends && !t.owed.Swap(true) {
			return false
		}
		ts = append(ts, t)
		return true
	})
	return ts
}

// Telling returns what tells err, if it is one, to all whose calls d still owes
// a write, but for except, which returns it; log gets it for those without
// OnError, and where nobody else does, as [Destination.Seldom] has it. The caller
// runs it when it holds no lock.
func (d *Destination) Telling(err error, except *Teller, log func(error)) (tell func()) {
	if err == nil {
		return func() {}
	}
	log = d.Seldom(log)
	d.owed.mu.Lock()
	ts := append([]*Teller(nil), d.owed.tellers...)
	d.owed.mu.Unlock()
	return func() {
		told, toLog := except != nil, false
		for _, t := range ts {
			switch {
			case t == except:
			case t.OnError != nil:
				t.Tell(err, log)
				told = true
			default:
				toLog = true
			}
		}
		if !told && !toLog { // only open calls were to be written
			if t := d.teller.Load(); t != nil {
				t.Tell(err, log)
				return
			}
			toLog = true
		}
		if toLog {
			log(err)
		}
	}
}

// sameEvery is how often the log is told the same of one destination.
const sameEvery = 10 * time.Second

// logged is what the log was told last of a destination. The zero value is ready.
type logged struct {
	mu   sync.Mutex
	text string // "" when all is well
	at   time.Time
	more int // times that it was not told since
}

// Seldom returns log without what it was told a moment ago: a destination that
// cannot be written is tried at every end of a recording.
func (d *Destination) Seldom(log func(error)) func(error) {
	return func(err error) {
		l := &d.logged
		l.mu.Lock()
		text, more := err.Error(), l.more
		same := text == l.text
		if same && time.Since(l.at) < sameEvery {
			l.more++
			l.mu.Unlock()
			return
		}
		l.text, l.at, l.more = text, time.Now(), 0
		l.mu.Unlock()
		if same && more > 0 {
			err = fmt.Errorf("%w (and %d times more since it was told last)", err, more)
		}
		log(err)
	}
}

// well says that what fails next is news.
func (l *logged) well() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text, l.more = "", 0
}
