package attrib

import "github.com/profscope/profscope/internal/wire"

// ReadWindow reads the trace src into f as Read does, with a call of the whole
// process from one moment to another of the trace's clock, or from the trace's
// first event if that is later. It returns when the call began; ok is false if
// the trace has nothing of that time.
func ReadWindow(src Source, f *Fold, d *Door, from, to int64) (begin int64, ok bool, err error) {
	w := &window{Fold: f, door: d, from: from, to: to}
	f.Follow() // it is known at the begin what each goroutine does
	defer f.Unfollow()
	if err = Read(src, w); w.call == nil {
		return 0, false, err
	}
	begin = w.call.Begin
	end := to
	if !w.past { // the trace ends before
		end = f.Now()
	}
	f.EndWhole(w.call, end)
	return begin, true, err
}

// Late takes a change after the end of a window, in the same generation, for what
// it tells of the time before: what a goroutine did of which nothing had been
// heard, and which function it began with.
func (f *Fold) Late(e *wire.Transition) {
	switch g := f.gs.Get(e.Goroutine); {
	case g == nil:
		if e.From == wire.Undetermined && e.To != wire.NotExist {
			f.meet(e)
		}
	case g.origin == originUnknown && e.From == wire.Running && e.Own != 0:
		g.began = f.intern(e.Own)
		f.know(g, f.table.ForeignRoot(e.Own))
	}
}

// window is a fold that passes over what happened after its end. In the
// generation of that, statuses of goroutines still come, and tell what they did
// before.
type window struct {
	*Fold
	door       *Door
	from, to   int64
	call       *Call
	seen, past bool
	later      bool // past, and another generation has begun
}

func (w *window) Generation(t *wire.Tables) {
	w.later = w.past
	w.Fold.Generation(t)
}

// over opens the call when it is time, and reports whether the time is over.
func (w *window) over(t int64) bool {
	if t > w.to {
		w.past = true
		return true
	}
	if w.call == nil && t >= w.from {
		begin := w.from
		if !w.seen {
			begin = t
		}
		w.call = w.BeginWhole(w.door, begin)
	}
	w.seen = true
	return false
}

func (w *window) Transition(e *wire.Transition) {
	switch {
	case e.Idle && !w.past, !e.Idle && !w.over(e.Time):
		w.Fold.Transition(e)
	case !w.later:
		w.Late(e)
	}
}

func (w *window) Log(e *wire.Log) {
	if !w.over(e.Time) {
		w.Fold.Log(e)
	}
}

func (w *window) Sample(e *wire.Sample) {
	if e.Time <= w.to {
		w.Fold.Sample(e)
	}
}

func (w *window) Assist(e *wire.Assist) {
	if !w.over(e.Time) {
		w.Fold.Assist(e)
	}
}
