package session

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/internal/report"
)

// Stats and States are the report's, for those who may not import it.
type (
	Stats  = report.Stats
	States = report.States
)

// Options are a door's options.
type Options struct {
	report.Options
	Off       bool
	NoSamples bool
	Signals   []os.Signal
}

// Option sets some of them.
type Option func(*Options)

// off is the environment's word: PROFSCOPE=off switches every door off, and so
// does what else means no (0, false).
var off = meansOff(os.Getenv("PROFSCOPE"))

func meansOff(v string) bool {
	on, err := strconv.ParseBool(strings.ToLower(v))
	return strings.EqualFold(v, "off") || err == nil && !on
}

// Door opens scopes of one name. It is safe for concurrent use. A nil Door,
// and one whose name can never work, opens nothing.
type Door struct {
	file string
	o    Options
	dest *report.Destination // nil with %n: each call has its own
	err  error               // why the name does not resolve; Stop returns it every time

	badName sync.Once // err has been told
	teller  *report.Teller

	calls *atomic.Int64 // call numbers given out, with %n

	last atomic.Pointer[slot] // the slot that became free last, mostly the only one
	mu   sync.Mutex
	free []*slot // the others

	asked, askedToJoin asking // for the goroutines of its scopes
}

// callNumbers counts the calls of each name with %n, by *atomic.Int64: doors
// come and go (context.Start makes one a call), the files stay.
var callNumbers sync.Map

// Scope is an open scope. The zero Scope is none; End does nothing.
type Scope struct {
	s    *slot
	turn uint32
}

// Open returns a door to file, nil if it is switched off. A name that can never
// work is told by every End; what cannot be written now is recorded all the same,
// but with %n, where the End of that call tells it.
func Open(file string, opts ...Option) *Door {
	var o Options
	for _, set := range opts {
		if set != nil {
			set(&o)
		}
	}
	if off || o.Off {
		return nil
	}
	if file == "" && o.Name == "" && o.Place == "" {
		o.Place = caller()
	}
	d := &Door{file: file, o: o, teller: &report.Teller{OnError: o.OnError}}
	if report.PerCall(file) {
		n, _ := callNumbers.LoadOrStore(file, new(atomic.Int64))
		d.calls = n.(*atomic.Int64)
		d.err = theEngine().Resolves(file, &o.Options)
	} else {
		d.dest, d.err = theEngine().Destination(file, &o.Options, 0)
	}
	if len(o.Signals) > 0 {
		flushOn(o.Signals)
	}
	return d.shared()
}

// Calling returns a door like d that gives each call to f too. It is for one whose
// calls are told apart: the name is not resolved again, for which Open asks the
// disk. One that does not resolve stays as it is.
func (d *Door) Calling(f func(Stats)) *Door {
	if d == nil || d.err != nil {
		return d
	}
	n := &Door{file: d.file, o: d.o, dest: d.dest, calls: d.calls, teller: d.teller} // an error is told once, and not for each call
	n.o.OnCall = func(s Stats) {
		f(s)
		if d.o.OnCall != nil {
			d.o.OnCall(s)
		}
	}
	return n
}

// sharedDoors has the doors that nothing tells apart, by doorKey. A program may
// make one a call, where it should make one for all; its slots are never given
// up.
var sharedDoors sync.Map

type doorKey struct {
	dest       *report.Destination
	slowerThan time.Duration
	unstitched bool
	noSamples  bool
}

// shared returns the door that is used for all like d. Those with functions of
// the user's cannot be compared; those without a destination have no slots to
// keep.
func (d *Door) shared() *Door {
	if d.dest == nil || d.o.Whole || d.o.OnCall != nil || d.o.OnError != nil {
		return d
	}
	like, _ := sharedDoors.LoadOrStore(doorKey{d.dest, d.o.SlowerThan, d.o.Unstitched, d.o.NoSamples}, d)
	return like.(*Door)
}

// OpenScope opens a door to file and, at once, a scope with a task of its own.
func OpenScope(file string, opts ...Option) Scope {
	return Open(file, opts...).BeginTask()
}

// caller returns the place in the program from which a public function of this
// module was called.
func caller() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		pkg, _, _ := strings.Cut(strings.TrimPrefix(f.Function, "github.com/profscope/profscope/"), ".")
		if !more || !slices.Contains([]string{"internal/session", "context", "cprofile"}, pkg) {
			return fmt.Sprintf("%s:%d", f.File, f.Line)
		}
	}
}

// Begin opens a scope on the calling goroutine.
func (d *Door) Begin() Scope { return d.begin(false) }

// BeginTask opens a scope with a task of its own, so that go tool trace lists
// it by name; it costs two allocations more.
func (d *Door) BeginTask() Scope { return d.begin(true) }

func (d *Door) begin(task bool) Scope {
	if d == nil {
		return Scope{}
	}
	if d.err != nil {
		return d.failed(d.err)
	}
	dest, each := d.dest, d.dest == nil
	if each {
		var err error
		if dest, err = theEngine().Destination(d.file, &d.o.Options, d.calls.Add(1)); err != nil {
			return d.failed(err)
		}
	}
	starts := opened()&liveBit == 0
	if starts && bubbled() {
		closed()
		if each {
			theEngine().Discard(dest)
		}
		return d.inBubble()
	}
	raw := dest.Raw() && dest.Opening() // before the recording's first generation
	if begun := starts && rec.start(); raw && !begun {
		rec.boundary()
	}
	var s *slot
	if task || each {
		s = d.newSlot(dest, true)
	} else {
		s = d.take()
	}
	return s.open()
}

// failed is a scope without a destination: its End tells why.
func (d *Door) failed(err error) Scope {
	s := &slot{door: d, err: err}
	s.turn.Store(1)
	return Scope{s, 1}
}

// End closes the scope, on whichever goroutine. A second End does nothing.
// When it writes the destination it returns that error.
func (sc Scope) End() error {
	if sc.s == nil { // apart from the rest, so that it is inlined
		return nil
	}
	return sc.end()
}

func (sc Scope) end() error {
	s := sc.s
	if !s.turn.CompareAndSwap(sc.turn, sc.turn+1) {
		return nil
	}
	d := s.door
	if s.err != nil {
		if d.err == nil {
			return d.report(s.err)
		}
		d.badName.Do(func() { d.report(d.err) })
		return d.err
	}
	if !mark(s.ctx, report.CategoryEnd, "") && !s.unseen {
		rec.side.end(s.task)
	}
	long := ticks.Load()-s.tick >= longTicks
	dest := s.dest
	if s.own != nil {
		s.own.End()
		rec.slots.drop(s)
	} else {
		d.give(s)
	}
	n := dest.Ended()
	urgent := long || n <= freeEnds || d.dest == nil
	last := closed()&openMask == 0
	var err error
	switch {
	case last && (urgent || !rec.ends.over.Load() && !dest.Stdout()) && !bubbled(): // one table after the other is no help
		err = rec.finish(dest, d.teller)
	case urgent:
		dest.Owe(d.teller)
		rec.writeSoon(dest)
	default:
		dest.Owe(d.teller)
		if last {
			rec.ends.deferred(dest.Target())
		}
	}
	if err == nil {
		return dest.Unusable() // whose write tells it
	}
	d.teller.Tell(err, dest.Seldom(logError))
	return err
}

// report tells err to OnError, or else to the log, and returns it.
func (d *Door) report(err error) error {
	if err == nil {
		return nil
	}
	d.teller.Tell(err, logError)
	return err
}

// Stats returns what is known of the door's destination.
func (d *Door) Stats() Stats {
	if d == nil || d.dest == nil {
		return Stats{}
	}
	rec.catchUp()
	return theEngine().Stats(d.dest)
}
