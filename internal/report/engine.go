package report

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/dest"
	"github.com/profscope/profscope/internal/ledger"
)

// program is the file name of the running program.
var program = filepath.Base(os.Args[0])

// Engine owns all that is known of all scopes of the process: the fold over
// the recording, the destinations and their ledgers.
//
// mu guards what events change: the fold, the stacks and the ledgers. The
// goroutine in [Engine.Consume] holds it while it works through events, which
// can take tens of milliseconds, and gives it back whenever it waits for bytes.
// reg guards what the doors change, so that opening a scope never waits for
// the analysis; it is taken after mu. Nobody holds either while a file is
// written.
type Engine struct {
	mu     sync.Mutex
	stacks *ledger.Stacks
	fold   *attrib.Fold

	reg      sync.RWMutex
	doors    map[uint64]*attrib.Door
	dests    map[string]*Destination
	files    map[string]bool // of the dests that stay
	names    sync.Map        // file of each name that has been resolved; needs no lock
	order    []*Destination
	rawDests []*Destination

	samplers []*Sampler // guarded by mu, as are taps
	taps     []*Tap
	between  bool   // what was read last ended a generation
	mode     string // note of the way of recording, for new destinations too

	vars     dest.Vars
	patience time.Duration // of WriteAll: the constant, but in tests
	calls    callQueue
	wholes   atomic.Int64 // recordings of the whole process so far
}

// Options are a door's wishes that its destination or its calls must know.
type Options struct {
	Name       string
	Place      string // where a door without a name was opened, if its table goes to stdout
	Format     string
	Also       []string
	SlowerThan time.Duration
	Unstitched bool
	OnCall     func(Stats)
	OnError    func(error)

	// Whole records the whole process. Each such destination is one of its
	// own, whatever others of its name there are, and is forgotten after its
	// only scope.
	Whole bool
}

// NewEngine returns an engine without destinations.
func NewEngine() *Engine {
	e := &Engine{
		stacks: ledger.NewStacks(),
		doors:  make(map[uint64]*attrib.Door),
		dests:  make(map[string]*Destination),
		files:  make(map[string]bool),
		vars:   dest.ProcessVars(),

		patience: patience,
	}
	e.fold = attrib.NewFold(e.stacks, e.door, startLine)
	return e
}

func (e *Engine) door(task uint64) *attrib.Door {
	e.reg.RLock()
	defer e.reg.RUnlock()
	return e.doors[task]
}

// PerCall reports whether the name gives each call a file of its own.
func PerCall(file string) bool { return dest.PerCall(file) }

// Resolves returns why a name, or one of its companions, can never work.
func (e *Engine) Resolves(file string, o *Options) error {
	_, err := e.outputs(file, o, 1)
	return err
}

func (e *Engine) outputs(file string, o *Options, call int64) ([]output, error) {
	perCall := goesAway(file, o)
	for _, also := range o.Also {
		if dest.PerCall(also) && !perCall {
			return nil, dest.NotPerCall(also, file)
		}
	}
	return e.resolve(append([]string{file}, o.Also...), o.Format, call, perCall)
}

// goesAway tells destinations that are forgotten after their only call.
func goesAway(file string, o *Options) bool { return dest.PerCall(file) || o.Whole }

// Destination resolves a name. Names that resolve to the same files are the
// same Destination.
func (e *Engine) Destination(file string, o *Options, call int64) (*Destination, error) {
	perCall := goesAway(file, o)
	outs, err := e.outputs(file, o, call)
	if err != nil {
		return nil, err
	}
	key := keyOf(outs)
	if outs[0].name == "" { // tables of different scopes are different tables
		key += cmp.Or(o.Name, o.Place)
	}
	if o.Whole {
		key = fmt.Sprintf("%s\x00%d", key, e.wholes.Add(1))
	}
	if d := e.known(key, o); d != nil {
		return d, nil
	}
	// What cannot be written now is recorded all the same, and may be written
	// later; but calls of which each has its own would pile up.
	unusable := check(outs)
	if unusable != nil && perCall {
		return nil, unusable
	}
	e.reg.Lock()
	defer e.reg.Unlock()
	if d := e.knownLocked(key, o); d != nil {
		return d, nil
	}
	if !perCall { // those come and go, and their companions have the last call
		for _, out := range outs {
			if e.files[out.file] {
				return nil, dest.Shared(out.name)
			}
		}
	}
	name := o.Name
	d := &Destination{key: key, perCall: perCall, stdout: slices.ContainsFunc(outs, output.onStdout), outputs: outs, ledger: newLedger(name, outs[0].name, e.stacks, o.SlowerThan)}
	d.ledger.Whole = o.Whole
	if unusable != nil {
		d.unusable.Store(&unusable)
	}
	if o.OnError != nil {
		d.teller.Store(&Teller{OnError: o.OnError})
	}
	if e.mode != "" {
		d.note(e.mode)
	}
	for _, out := range outs {
		if out.format.Recorded() {
			d.raw.outputs = append(d.raw.outputs, out)
		}
	}
	if d.Raw() {
		e.rawDests = append(slices.Clone(e.rawDests), d)
	}
	for _, out := range outs {
		if out.file != "" && !perCall {
			e.files[out.file] = true
		}
	}
	e.dests[key] = d
	e.order = append(e.order, d)
	return d, nil
}

// known returns the destination with that key, nil if there is none.
func (e *Engine) known(key string, o *Options) *Destination {
	e.reg.RLock()
	defer e.reg.RUnlock()
	return e.knownLocked(key, o)
}

func (e *Engine) knownLocked(key string, o *Options) *Destination {
	d := e.dests[key]
	if d != nil && o.OnError != nil {
		d.teller.CompareAndSwap(nil, &Teller{OnError: o.OnError})
	}
	return d
}

// Bind makes scopes that carry the task id add up in d; once says that there
// will be only one, so that the id is forgotten with its end.
func (e *Engine) Bind(task uint64, d *Destination, o *Options, once bool) {
	door := &attrib.Door{Ledger: d.ledger, Whole: o.Whole, SlowerThan: int64(o.SlowerThan), Unstitched: o.Unstitched}
	door.Done = func(c *attrib.Call) {
		d.booked++
		if o.OnCall != nil {
			e.calls.put(o.OnCall, callStats(e.stacks, c))
		}
	}
	if once {
		door.Ended = func() {
			e.reg.Lock()
			delete(e.doors, task)
			e.reg.Unlock()
		}
	}
	e.reg.Lock()
	e.doors[task] = door
	e.reg.Unlock()
}

// Once returns the tasks of doors for a single scope that has not been seen to
// end.
func (e *Engine) Once() map[uint64]bool {
	e.reg.RLock()
	defer e.reg.RUnlock()
	tasks := make(map[uint64]bool)
	for task, door := range e.doors {
		if door.Ended != nil {
			tasks[task] = true
		}
	}
	return tasks
}

// Unbind forgets tasks: no edge of them is to come.
func (e *Engine) Unbind(tasks map[uint64]bool) {
	e.reg.Lock()
	defer e.reg.Unlock()
	for task := range tasks {
		delete(e.doors, task)
	}
}

// Samples returns the number of CPU samples seen so far.
func (e *Engine) Samples() int64 { return e.fold.Samples() }

// Follow has the analysis follow all goroutines, from what it reads next on,
// and Unfollow ends that; see attrib.Fold.
func (e *Engine) Follow() {
	e.mu.Lock()
	e.fold.Follow()
	e.mu.Unlock()
}

// Unfollow ends Follow.
func (e *Engine) Unfollow() {
	e.mu.Lock()
	e.fold.Unfollow()
	e.mu.Unlock()
}

// forget drops a destination that is written and will not come again.
func (e *Engine) forget(d *Destination) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reg.Lock()
	defer e.reg.Unlock()
	if d.due(true) || e.dests[d.key] != d || !d.raw.idle() {
		return
	}
	e.dropLocked(d)
}

// Discard drops a destination of one call that shall not be written, or not
// again: its files stay as they are from its return on.
func (e *Engine) Discard(d *Destination) {
	d.writing.Lock() // what is being written comes before
	defer d.writing.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	d.discarded = true
	if d.raw.enter(rawStreaming, rawIdle) {
		for _, f := range d.raw.files {
			f.spool.cut()
		}
		d.raw.files = nil
	}
	e.reg.Lock()
	defer e.reg.Unlock()
	e.dropLocked(d)
}

// dropLocked forgets d. The caller holds mu and reg.
func (e *Engine) dropLocked(d *Destination) {
	delete(e.dests, d.key)
	e.order = slices.DeleteFunc(slices.Clone(e.order), func(x *Destination) bool { return x == d })
	e.rawDests = slices.DeleteFunc(slices.Clone(e.rawDests), func(x *Destination) bool { return x == d })
}

func callStats(t *ledger.Stacks, c *attrib.Call) Stats {
	var s Stats
	s.fill(t, &c.Book)
	el := time.Duration(c.Elapsed())
	s.Calls, s.Outermost = c.Calls, 1
	s.Elapsed, s.Min, s.Mean, s.P50, s.P95, s.P99, s.Max = el, el, el, el, el, el, el
	return s
}

// Started tells the wall clock of a scope's start; the first one counts.
func (d *Destination) Started(t time.Time) { d.started.CompareAndSwap(0, t.UnixNano()) }

// Note tells all destinations, or one, of a degraded mode.
func (e *Engine) Note(d *Destination, note string) {
	e.reg.Lock()
	defer e.reg.Unlock()
	for _, x := range e.order {
		if d == nil || d == x {
			x.note(note)
		}
	}
}

// SetMode tells all destinations, also those made later, of the way in which
// the recording is made now; empty if nothing is special about it.
func (e *Engine) SetMode(note string) {
	e.reg.Lock()
	defer e.reg.Unlock()
	if e.mode = note; note == "" {
		return
	}
	for _, d := range e.order {
		d.note(note)
	}
}

// Consume works through one recording. It returns at the recording's end;
// when that is an error, what was whole has been booked.
func (e *Engine) Consume(src Source) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return attrib.Read(&feed{e: e, src: src}, e.fold)
}

func (e *Engine) raws() []*Destination {
	e.reg.RLock()
	defer e.reg.RUnlock()
	return e.rawDests
}

// Ended closes a recording at time t of the trace's clock, or at its last event
// if that is later: what is open goes on as unknown. Consume has returned.
func (e *Engine) Ended(t int64) {
	e.mu.Lock()
	e.fold.Gap(t)
	e.mu.Unlock()
	e.endRaws()
	e.endTaps()
}

// Reckon compares the scopes that doors have ended with those that the
// recording has shown, and has destinations tell of what is missing. No scope
// may be open.
func (e *Engine) Reckon() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range e.All() {
		if lost := d.ends.Load() - d.seen(); lost > d.lost {
			d.booked += lost - d.lost // to be written, even if there is nothing else
			d.lost = lost
		}
	}
}

// SampleProcess books the stacks of all goroutines, ns nanoseconds each, to
// every destination with an open call.
func (e *Engine) SampleProcess(stacks [][]runtime.Frame, ns int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range stacks {
		e.fold.SampleProcess(s, ns)
	}
}

// Stats returns what is known of d.
func (e *Engine) Stats(d *Destination) Stats {
	e.mu.Lock()
	l := e.snapshotLocked(d)
	e.mu.Unlock()
	return statsOf(l)
}

// Target returns what d is called in messages.
func (d *Destination) Target() string {
	if n := d.outputs[0].name; n != "" {
		return n
	}
	return "stdout"
}
