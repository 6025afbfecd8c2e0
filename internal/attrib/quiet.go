package attrib

import (
	"maps"
	"slices"
)

// quietly is the part of a drawing before a window of the trace: whatever
// begins is held until it is known whether it ends before the window too.
type quietly struct {
	quiet bool
	from  int64 // the window's begin, from Loud on
	held  int   // number of those held so far: their order
	early map[openKey][]early
}

type early struct {
	n    int
	draw func()
}

// Quiet has nothing drawn until Loud: of the edges it is noted what is open,
// and whoever reads the trace tells no more than them.
func (t *Drawing) Quiet() { t.quiet, t.early = true, make(map[openKey][]early) }

// Loud begins the drawing, at the time from: what is open begins there.
func (t *Drawing) Loud(from int64) {
	if !t.quiet {
		return
	}
	t.quiet, t.from = false, from
	open := slices.Concat(slices.Collect(maps.Values(t.early))...)
	slices.SortFunc(open, func(a, b early) int { return a.n - b.n })
	t.early = nil
	for _, e := range open {
		e.draw()
	}
}

func (t *Drawing) hold(k openKey, draw func()) {
	t.held++
	t.early[k] = append(t.early[k], early{t.held, draw})
}

// drop forgets what was begun last under k.
func (t *Drawing) drop(k openKey) {
	open := t.early[k]
	if len(open) <= 1 {
		delete(t.early, k)
		return
	}
	t.early[k] = open[:len(open)-1]
}
