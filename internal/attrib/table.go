package attrib

import (
	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// table is what the ids in the events of one generation stand for. Its two
// kinds remember what they have found out in the way that suits their ids.
type table interface {
	// stack returns the cleaned stack; 0 for the id 0.
	stack(t *stacks, id wire.StackID) ledger.StackID
	// foreign reports whether a goroutine that begins there is nobody's.
	foreign(t *stacks, id wire.StackID) bool
	// foreignRoot reports whether the goroutine that stands there is nobody's.
	foreignRoot(id wire.StackID) bool
	text(id wire.StringID) string
	// ours reports whether the string begins with "profscope.".
	ours(id wire.StringID) bool
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

func (w *wireTable) stack(t *stacks, id wire.StackID) ledger.StackID {
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
			known = t.clean(w.raw)
			w.known[string(w.key)] = known
		}
		s.id = known
	}
	return s.id
}

func (w *wireTable) foreign(_ *stacks, id wire.StackID) bool {
	s := w.at(id)
	if id == 0 || s == nil {
		return false
	}
	if !s.judged {
		s.judged = true
		w.raw = w.tables.Frames(w.raw[:0], id)
		s.alien = hasForeign(w.raw)
	}
	return s.alien
}

func (w *wireTable) foreignRoot(id wire.StackID) bool {
	if id == 0 || w.at(id) == nil {
		return false
	}
	w.raw = w.tables.Frames(w.raw[:0], id)
	return foreignRoot(w.raw)
}

func (w *wireTable) text(id wire.StringID) string { return w.tables.String(id) }

func (w *wireTable) ours(id wire.StringID) bool { return w.tables.HasPrefix(id, oursPrefix) }

// foreignRoot looks at the function that the goroutine began with alone: one of
// the user's may stand in a function of ours.
func foreignRoot(fs []wire.Frame) bool {
	for i := len(fs) - 1; i >= 0; i-- {
		if fn := fs[i].Func; !isRoot(fn) {
			return foreignStarts[fn] || isOwnGoroutine(fn)
		}
	}
	return false
}

func hasForeign(fs []wire.Frame) bool {
	for _, f := range fs {
		if foreignStarts[f.Func] || isOwnGoroutine(f.Func) {
			return true
		}
	}
	return false
}
