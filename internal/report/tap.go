package report

import (
	"io"
	"slices"
)

// Tap gives the bytes of the recording to a writer that may be slow, as a whole
// trace: from the begin of one generation to the end of another. It is guarded
// by Engine.mu, but for its spool.
type Tap struct {
	spool   spool
	started bool
	ending  bool
	over    bool
}

// NewTap begins one with the next generation.
func (e *Engine) NewTap() *Tap {
	t := new(Tap)
	e.mu.Lock()
	e.taps = append(slices.Clone(e.taps), t)
	e.mu.Unlock()
	return t
}

// tapped gives a piece to the taps. The caller holds mu.
func (e *Engine) tapped(header, p []byte, begins, ends bool) {
	e.between = ends
	for _, t := range e.taps {
		if begins && !t.started {
			t.started = true
			t.spool.put(header)
		}
		if !t.started || t.over {
			continue
		}
		t.spool.put(p)
		if t.ending && ends {
			t.close()
		}
	}
}

// Ending ends the tap with the generation that is being read, or at once
// between two.
func (e *Engine) Ending(t *Tap) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t.ending = true
	if e.between || !t.started {
		t.close()
	}
}

// endTaps ends those of a recording that is over.
func (e *Engine) endTaps() {
	e.mu.Lock()
	for _, t := range e.taps {
		if t.started {
			t.close()
		}
	}
	e.mu.Unlock()
}

func (t *Tap) close() {
	t.over = true
	t.spool.close()
}

// Untap forgets the tap, whose writer may have given up.
func (e *Engine) Untap(t *Tap) {
	e.mu.Lock()
	e.taps = slices.DeleteFunc(slices.Clone(e.taps), func(x *Tap) bool { return x == t })
	t.close()
	e.mu.Unlock()
}

// WriteTo writes what comes until the tap has ended.
func (t *Tap) WriteTo(w io.Writer) (n int64, err error) { return t.spool.WriteTo(w) }
