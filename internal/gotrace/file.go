package gotrace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
	"golang.org/x/exp/trace"
)

// ErrNoGoroutine is the error for a trace in which no goroutine does anything.
var ErrNoGoroutine = errors.New("there is no goroutine in this trace")

// OutsideError is the error for a window that begins after the trace's end.
type OutsideError struct{ Lasts time.Duration }

func (e *OutsideError) Error() string {
	return fmt.Sprintf("the trace lasts %v, and nothing of it is in the window asked for", e.Lasts)
}

// FileOptions say what of a trace is wanted. The zero value is all of it.
type FileOptions struct {
	// From and To bound the time that counts, from the trace's first event
	// on; To 0 is its end. Of regions, tasks and scopes that lie inside in
	// part, that part counts. Nothing inside is an error, an [*OutsideError].
	From, To time.Duration
	// Name is what the ledger of the whole is called.
	Name string
	// Ended, if set, says in a clause why the bytes end before the trace does,
	// where that is known: it is no damage, and is told also of bytes that
	// happen to end where a generation does.
	Ended string
	// Serving are functions that serve whoever records. What goroutines that
	// stood in one did where no stack is known is kept apart in File.Unplaced.
	Serving []string
	// Timeline, if set, is called with the table of the stacks, and what it
	// returns is drawn on. It is closed by ReadFile, whose error is its own.
	// Then no reports are made.
	Timeline func(*ledger.Stacks) ledger.Timeline
}

// File is what a trace file says.
type File struct {
	// Whole has all goroutines but those of the runtime and of profscope.
	Whole *ledger.Ledger
	// Scopes are the scopes of profscope, by destination, and the user's
	// tasks and regions, by name, in the order of their first begin.
	Scopes []*Scope

	Begin, End time.Duration // of the window, on the trace's clock
	Wall       time.Time     // at Begin; zero if the trace does not tell
	Version    string        // of the trace's format: "go 1.26"
	Events     int64
	Samples    int64
	Goroutines int64
	// Generations counts those read whole.
	Generations int64
	// Warnings tell what is missing or damaged, a sentence each. Whole has them as
	// notes.
	Warnings []string

	// Unplaced has what the options' Serving says, in Whole's book too.
	Unplaced ledger.Book

	tallies map[int64]*tally
}

// ScopeKind is what a scope was made from.
type ScopeKind string

const (
	ScopeOurs   ScopeKind = "scope"
	ScopeTask   ScopeKind = "task"
	ScopeRegion ScopeKind = "region"
)

// Scope is a ledger with its instances.
type Scope struct {
	Kind    ScopeKind
	Ledger  *ledger.Ledger
	Lengths ledger.Summary // of the calls that ended, or were cut at the window's end
	Cut     int64          // those of them of which the window has a part
	door    *attrib.Door
}

// ReadFile reads the trace r. A trace that is cut or damaged is read up to the
// last generation that is whole, with a warning; it is an error only if there
// is none, or no goroutine.
func ReadFile(r io.Reader, o FileOptions) (*File, error) {
	if o.Timeline != nil && o.From == 0 && o.To == 0 {
		b := bufio.NewReader(r)
		if head, _ := b.Peek(len(wire.Header)); attrib.Readable(head) {
			return drawFile(b, o)
		}
		r = b
	}
	p := newFileReader(o)
	err := p.read(r)
	if p.f.Events == 0 {
		switch {
		case err != nil:
			return nil, o.nothing(err)
		default:
			return nil, o.nothing(ErrNoGoroutine)
		}
	}
	if err != nil || o.Ended != "" {
		p.warn(o.cutWarning(err, p.fold.Now()-p.begin))
	}
	if !p.inside {
		return nil, &OutsideError{Lasts: time.Duration(p.fold.Now() - p.begin)}
	}
	p.finish()
	if p.line != nil {
		if err := p.line.Close(int64(p.f.End)); err != nil {
			return nil, err
		}
	}
	if p.f.Goroutines == 0 {
		if err != nil {
			return nil, o.nothing(fmt.Errorf("%w that can be read: %w", ErrNoGoroutine, err))
		}
		return nil, ErrNoGoroutine
	}
	return p.f, nil
}

// nothing is the error for a trace of which nothing can be read.
func (o *FileOptions) nothing(err error) error {
	if o.Ended != "" {
		return fmt.Errorf("%s, and nothing of the trace was whole by then", o.Ended)
	}
	return err
}

func (o *FileOptions) cutWarning(why error, after int64) string {
	if o.Ended != "" {
		return fmt.Sprintf("%s: what is shown ends %v after its begin, with the last part that was whole", o.Ended, time.Duration(after))
	}
	return fmt.Sprintf("the trace is cut or damaged (%v): what is shown ends %v after its begin", why, time.Duration(after))
}

// fileReader folds one file.
type fileReader struct {
	o       FileOptions
	f       *File
	fold    *attrib.Fold
	x       *Events
	begun   bool
	begin   int64 // of the trace
	from    int64 // of the window
	to      int64
	inside  bool // the window has begun
	past    bool // and has ended before the trace does
	whole   *attrib.Call
	counted atomic.Int64 // bytes read

	scopes map[scopeName]*Scope
	doors  map[uint64]*attrib.Door // by task or by a number of ours
	ours   map[*ledger.Ledger]bool // those of profscope's scopes
	next   uint64                  // numbers of regions and tasks
	tasks  map[trace.TaskID]uint64
	region map[regionKey][]uint64

	serving map[ledger.StackID]bool // whether a stack has one of o.Serving

	line    *attrib.Drawing // nil if none is wanted
	clocked bool
}

type scopeName struct {
	kind ScopeKind
	name string
}

func newFileReader(o FileOptions) *fileReader {
	t := ledger.NewStacks()
	p := &fileReader{
		o: o,
		f: &File{
			Whole:   &ledger.Ledger{Name: o.Name, Target: o.Name, Stacks: t, Whole: true},
			tallies: make(map[int64]*tally),
		},
		scopes: make(map[scopeName]*Scope),
		doors:  make(map[uint64]*attrib.Door),
		ours:   make(map[*ledger.Ledger]bool),
		next:   firstNumber,
		tasks:  make(map[trace.TaskID]uint64),
		region: make(map[regionKey][]uint64),
	}
	p.fold = attrib.NewFold(t, func(task uint64) *attrib.Door { return p.doors[task] }, nil)
	p.fold.Spans = p.span
	p.x = NewEvents(p.fold)
	if o.Timeline != nil {
		p.line = attrib.NewDrawing(o.Timeline(t), p.fold)
		if o.From > 0 {
			p.line.Quiet()
		}
	}
	return p
}

// warn tells who reads the file now, and, as a note, who reads what is made of it.
func (p *fileReader) warn(s string) {
	p.f.Warnings = append(p.f.Warnings, s)
	p.f.Whole.Notes = append(p.f.Whole.Notes, strings.ToUpper(s[:1])+s[1:]+".")
}

// read gives every event to the fold.
func (p *fileReader) read(r io.Reader) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the parser panicked at about byte %d: %v", p.counted.Load(), v)
		}
	}()
	in := &filtered{r: r, filter: Filter{}, count: &p.counted}
	tr, err := trace.NewReader(in)
	p.f.Version = strings.TrimRight(strings.TrimSuffix(string(in.filter.header), " trace\x00\x00\x00"), "\x00")
	if err != nil {
		return headerError(err)
	}
	return p.events(tr)
}

// event takes one event and reports whether the window is over.
//
//  1. The first event is the trace's begin.
//  2. Before the window goroutines and scopes are followed: at its begin it is
//     known what each was doing, and what was booked is forgotten.
//  3. Regions and tasks become scopes.
func (p *fileReader) event(ev *fileEvent) (done bool) {
	e := &ev.Event
	t := int64(e.Time())
	if !p.begun {
		p.begun, p.begin = true, t
		p.from, p.to = t+int64(p.o.From), math.MaxInt64
		if p.o.To > 0 {
			p.to = t + int64(p.o.To)
		}
		p.whole = p.fold.BeginWhole(&attrib.Door{Ledger: p.f.Whole, Unstitched: true}, t)
		p.inside = p.from == t
	}
	if !p.inside && t >= p.from {
		p.narrow()
	}
	if t > p.to {
		if !p.past {
			p.fold.At(p.to)
			p.past = true
		}
		return p.late(ev)
	}
	p.f.Events++
	if e.Kind() == trace.EventSync {
		p.f.Generations++
		if c := e.Sync().ClockSnapshot; c != nil && p.f.Wall.IsZero() {
			p.f.Wall = wallAt(c, trace.Time(p.begin))
		}
	}
	if p.line != nil && p.inside && !p.clocked {
		p.clocked = true
		wall := int64(0)
		if !p.f.Wall.IsZero() {
			wall = p.f.Wall.UnixNano()
		}
		p.line.Clock(p.begin, wall)
		p.line.Loud(p.from)
	}
	p.before(e)
	switch {
	case ev.kind == trace.EventStateTransition:
		p.x.change(e, &ev.changed)
	case ev.isRange():
		p.x.ranged(e, &ev.ranged) // the event itself would look into what is still being read
	default:
		p.x.Event(e)
	}
	p.after(ev)
	if p.line != nil {
		p.draw(ev)
	}
	return false
}

// late takes an event after the window and reports whether no more is to be
// learned. What a goroutine was doing that was there before the trace is told
// with its first event, or at the end of the first generation: that may be after
// the window, all of whose time it has spent so.
func (p *fileReader) late(ev *fileEvent) (done bool) {
	if ev.kind == trace.EventStateTransition {
		p.x.late(&ev.Event, &ev.changed)
	}
	return ev.kind == trace.EventSync
}

// narrow begins the window: what has been booked is forgotten.
func (p *fileReader) narrow() {
	p.fold.Restart(p.from)
	p.inside = true
	clear(p.f.tallies)
	for _, s := range p.f.Scopes {
		*s.Ledger = ledger.Ledger{Name: s.Ledger.Name, Target: s.Ledger.Target, Stacks: s.Ledger.Stacks}
		s.Lengths, s.Cut = ledger.Summary{}, 0
	}
}

// finish closes the books at the last event, or at the window's end: what is
// open there has a part inside, as what is open at its begin.
func (p *fileReader) finish() {
	f, end := p.f, p.fold.Now()
	if p.past {
		for _, n := range slices.Sorted(maps.Keys(p.fold.OpenTasks())) {
			p.fold.Close(n)
		}
	}
	p.fold.Sync()
	for _, s := range f.Scopes {
		p.fold.AddOpen(s.Ledger, s.Ledger)
	}
	p.fold.EndWhole(p.whole, end)
	p.unplaced()
	f.Begin, f.End = time.Duration(max(p.from, p.begin)), time.Duration(end)
	f.Goroutines = f.Whole.Goroutines[ledger.Process]
	f.Samples = p.fold.Samples()
	if !f.Wall.IsZero() {
		f.Wall = f.Wall.Add(time.Duration(int64(f.Begin) - p.begin))
	}
	for _, l := range f.ledgers() {
		l.Start, l.GoVersion = f.Wall, f.Version
	}
	if f.Samples == 0 {
		f.Whole.Notes = append(f.Whole.Notes, "The trace has no CPU samples: functions on a CPU are guessed from the stacks before and after.")
	}
}

func (f *File) ledgers() []*ledger.Ledger {
	ls := []*ledger.Ledger{f.Whole}
	for _, s := range f.Scopes {
		ls = append(ls, s.Ledger)
	}
	return ls
}

// headerError tells a version to come, which the parser has no type for, from
// all else that a header can be.
func headerError(err error) error {
	if strings.Contains(err.Error(), "unsupported") {
		return fmt.Errorf("%w (%w)", attrib.ErrVersion, err)
	}
	return fmt.Errorf("read trace: %w", err)
}
