package attrib

import (
	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// Table is what the ids in the events of one generation stand for. Its kinds
// remember what they have found out in the way that suits their ids.
type Table interface {
	// Stack returns the stack as c cleans it; 0 for the id 0.
	Stack(c Cleaner, id wire.StackID) ledger.StackID
	// Foreign reports whether a goroutine that begins there is nobody's, by
	// IsForeign.
	Foreign(id wire.StackID) bool
	// ForeignRoot reports whether the goroutine that stands there is nobody's,
	// by IsForeignRoot.
	ForeignRoot(id wire.StackID) bool
	// Text returns a string, "" for the id 0.
	Text(id wire.StringID) string
	// HasPrefix reports whether the string begins so.
	HasPrefix(id wire.StringID, prefix string) bool
}

// Cleaner gives one shape to stacks, leaf first, and interns them.
type Cleaner interface {
	Clean(leafFirst []wire.Frame) ledger.StackID
}

const oursPrefix = "profscope."

// wireTable is the tables of a [wire.Reader], whose ids are small numbers.
type wireTable struct {
	tables *wire.Tables
	found  []wireStack // by id
	// known has the stacks of all generations by what does not change from one
	// to the next: most stacks of a generation have been in the one before.
	known map[string]ledger.StackID
	key   []byte
	raw   []wire.Frame
}

type wireStack struct {
	id            ledger.StackID
	has           bool
	judged, alien bool
}

// maxKnown bounds the memory of known.
const maxKnown = 1 << 16

func (w *wireTable) next(t *wire.Tables) {
	w.tables = t
	w.found = w.found[:0]
	if len(w.known) > maxKnown {
		clear(w.known)
	}
	if t == nil {
		return
	}
	n := t.Stacks()
	if cap(w.found) < n {
		w.found = make([]wireStack, n)
		return
	}
	w.found = w.found[:n]
	clear(w.found)
}

func (w *wireTable) at(id wire.StackID) *wireStack {
	if uint64(id) >= uint64(len(w.found)) {
		return nil // the trace has no such stack
	}
	return &w.found[id]
}

func (w *wireTable) Stack(c Cleaner, id wire.StackID) ledger.StackID {
	if id == 0 {
		return 0
	}
	s := w.at(id)
	if s == nil {
		return 0
	}
	if !s.has {
		s.has = true
		w.key = w.tables.Key(w.key[:0], id)
		known, ok := w.known[string(w.key)]
		if !ok {
			w.raw = w.tables.Frames(w.raw[:0], id)
			known = c.Clean(w.raw)
			w.known[string(w.key)] = known
		}
		s.id = known
	}
	return s.id
}

func (w *wireTable) Foreign(id wire.StackID) bool {
	s := w.at(id)
	if id == 0 || s == nil {
		return false
	}
	if !s.judged {
		s.judged = true
		w.raw = w.tables.Frames(w.raw[:0], id)
		s.alien = IsForeign(w.raw)
	}
	return s.alien
}

func (w *wireTable) ForeignRoot(id wire.StackID) bool {
	if id == 0 || w.at(id) == nil {
		return false
	}
	w.raw = w.tables.Frames(w.raw[:0], id)
	return IsForeignRoot(w.raw)
}

func (w *wireTable) Text(id wire.StringID) string { return w.tables.String(id) }

func (w *wireTable) HasPrefix(id wire.StringID, prefix string) bool {
	return w.tables.HasPrefix(id, prefix)
}

// IsForeignRoot looks at the function that the goroutine began with alone: one of
// the user's may stand in a function of ours.
func IsForeignRoot(fs []wire.Frame) bool {
	for i := len(fs) - 1; i >= 0; i-- {
		if fn := fs[i].Func; !isRoot(fn) {
			return foreignStarts[fn] || isOwnGoroutine(fn)
		}
	}
	return false
}

// IsForeign reports whether a goroutine that begins with these frames is one of
// the runtime, the tracer, the profiler or profscope: nobody's.
func IsForeign(fs []wire.Frame) bool {
	for _, f := range fs {
		if foreignStarts[f.Func] || isOwnGoroutine(f.Func) {
			return true
		}
	}
	return false
}
