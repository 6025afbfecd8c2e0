package report

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/internal/dest"
	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/ledger"
)

// output is one place and form that a destination is written to.
type output struct {
	name   string
	format dest.Format
	file   string // what all names of the file share, "" if it is none
}

func (o output) onStdout() bool { return o.name == "" || o.name == "-" }

// Destination is a resolved name, its ledger, and what is still to be written.
// All doors to one name share one Destination.
type Destination struct {
	key     string
	outputs []output
	perCall bool                   // a name with %n: one call, then it is forgotten
	stdout  bool                   // an output is stdout
	started atomic.Int64           // wall clock of the first scope's start, Unix nanoseconds; 0 if none
	ends    atomic.Int64           // scopes ended
	notes   []string               // guarded by Engine.reg
	teller  atomic.Pointer[Teller] // of the first door with OnError: told of what concerns no ended call
	ledger  *ledger.Ledger         // guarded by Engine.mu

	// What is still to be written, guarded by Engine.mu. A number instead of a
	// flag: what a write under way has not yet brought to the disk is still
	// due, and whoever needs it there waits for that write.
	booked, written int64
	past            int64 // nanoseconds from before the begin, of what was kept
	pastCalls       int64 // calls from what was kept: of the ledger's, but no door's begin or end
	lost            int64 // calls that began and ended unseen
	held            bool  // stdout waits until no scope is open
	unfinished      bool  // the file calls itself so only because the recording went on
	discarded       bool  // nothing is written any more

	owed    owed
	logged  logged
	writing sync.Mutex // one write at a time, so that the newest comes last
	behind  behind
	raw     raw
	// unusable is why d could not be written when it was made, until it has been.
	unusable atomic.Pointer[error]
	printed  int64 // calls in the last table on stdout; guarded by writing
}

// resolve returns the outputs of a name and of its companions.
func (e *Engine) resolve(names []string, option string, call int64, once bool) ([]output, error) {
	var outs []output
	for i, pattern := range names {
		if i > 0 {
			option = "" // it is for the main file; companions go by ending
		}
		f, err := dest.FormatOf(pattern, option)
		if err != nil {
			return nil, err
		}
		name, err := dest.Expand(pattern, e.vars, call)
		if err != nil {
			return nil, err
		}
		switch {
		case name == "":
		case dest.IsStdout(name):
			name = "-" // one name for it, by which it is told from files
		default:
			if err := dest.Possible(name); err != nil {
				return nil, err
			}
			if abs, err := filepath.Abs(name); err == nil {
				name = abs // the program may change its folder
			}
		}
		out := output{name, f, e.identity(name, once)}
		for _, o := range outs {
			if o.file != "" && o.file == out.file && o.format != f {
				return nil, dest.Shared(name)
			}
		}
		outs = append(outs, out)
	}
	return outs, nil
}

// identity is dest.Identity, asked once for a name that may come again: it costs
// as much as all the rest of opening a door.
func (e *Engine) identity(name string, once bool) string {
	if once {
		return dest.Identity(name)
	}
	file, ok := e.names.Load(name)
	if !ok {
		file, _ = e.names.LoadOrStore(name, dest.Identity(name))
	}
	return file.(string)
}

// put writes l to all outputs and returns their errors. final says that no
// scope is open; stdout, where nothing can be replaced, gets a table only then:
// held says that it is still due. A file whose numbers are all in it already is
// written for a word alone: one that is no longer there was taken away, or its
// folder was, and does not come back for that. wrote says that one output could be
// written. The caller holds writing.
func (d *Destination) put(l *ledger.Ledger, final, nothingNew bool) (wrote, held bool, err error) {
	var errs []error
	for _, o := range d.outputs {
		var encode func(io.Writer) error
		switch o.format {
		case dest.Pprof:
			encode = func(w io.Writer) error { return format.Pprof(w, l) }
		case dest.Folded:
			encode = func(w io.Writer) error { return format.Folded(w, l) }
		case dest.Text:
			opts := format.TableOptions{}
			for _, p := range d.outputs {
				if p.format == dest.Pprof && p.name != "-" {
					opts.FileHint = p.name
				}
			}
			if o.onStdout() {
				opts.Width, opts.Color = dest.StdoutWidth(), dest.StdoutColor()
			}
			encode = func(w io.Writer) error { return format.Table(w, l, opts) }
		default: // .trace is streamed
			continue
		}
		if o.onStdout() {
			if d.printed == l.Calls {
				continue
			}
			if !final {
				held = true
				continue
			}
		} else if nothingNew && gone(o.name) {
			continue
		}
		if err := dest.Put(o.name, encode); err != nil {
			errs = append(errs, err)
			continue
		}
		wrote = true
		if o.onStdout() {
			d.printed = l.Calls
		}
	}
	return wrote, held, errors.Join(errs...)
}

func gone(name string) bool {
	_, err := os.Stat(name)
	return errors.Is(err, fs.ErrNotExist)
}

// check finds what is wrong with where outputs lead.
func check(outs []output) error {
	for _, o := range outs {
		if o.name == "" || o.name == "-" {
			continue
		}
		if err := dest.Check(o.name); err != nil {
			return err
		}
	}
	return nil
}

// Unusable returns why d could not be written when it was made, nil if it could or
// has been meanwhile.
func (d *Destination) Unusable() error {
	if err := d.unusable.Load(); err != nil {
		return *err
	}
	return nil
}

// Stdout tells whether d writes to stdout, where each table is one more.
func (d *Destination) Stdout() bool { return d.stdout }

// Ended counts one more end of a scope and returns how many there were.
func (d *Destination) Ended() int64 { return d.ends.Add(1) }

// seen returns how many scopes the recording has shown from begin to end. The
// caller holds Engine.mu.
func (d *Destination) seen() int64 { return d.ledger.Calls - d.pastCalls }

// due tells whether d has anything to be written. The caller holds Engine.mu.
func (d *Destination) due(final bool) bool {
	return d.booked != d.written || final && (d.held || d.unfinished)
}

func newLedger(name, target string, t *ledger.Stacks, slower time.Duration) *ledger.Ledger {
	return &ledger.Ledger{Name: name, Target: target, Stacks: t, SlowerThan: slower}
}

// keyOf is the same for the same files in the same formats, in any order.
func keyOf(outs []output) string {
	var keys []string
	for _, o := range outs {
		keys = append(keys, fmt.Sprintf("%s\x00%s\x00", cmp.Or(o.file, o.name), o.format))
	}
	slices.Sort(keys)
	return strings.Join(keys, "")
}

// note adds a sentence once.
func (d *Destination) note(s string) {
	if !slices.Contains(d.notes, s) {
		d.notes = append(d.notes, s)
	}
}
