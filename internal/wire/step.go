package wire

import "fmt"

// step gives the event that t stands at, and goes behind it. It reports false,
// and does nothing, if something must happen before that no thread has told
// yet.
//
// Numbers (seq) are given per goroutine and generation to what another thread
// than the goroutine's own may write: that it starts and that it is woken.
func (r *Reader) step(t *thread) (bool, error) {
	typ := t.data[0]
	var a [maxArgs]uint64
	i := t.args
	for k := range args[typ] - 1 {
		v, n := uvarint(t.data[i:])
		if n == 0 {
			return false, errCutEvent
		}
		a[k], i = v, i+n
	}
	tr := &r.tr
	*tr = Transition{Time: r.clock.nanos(t.time), On: t.on()}
	switch typ {
	case evGoStart:
		g := r.next(a[0], a[1], Runnable)
		if g == nil {
			return false, nil
		}
		if t.g != nil {
			return false, fmt.Errorf("goroutine %d starts on thread %d, where %d runs", a[0], t.id, t.g.id)
		}
		t.g = g
		tr.On = NoGoroutine
		r.change(g, Running)
	case evGoUnblock:
		g := r.next(a[0], a[1], Waiting)
		if g == nil {
			return false, nil
		}
		tr.At = StackID(a[2])
		r.change(g, Runnable)
	case evGoCreate, evGoCreateBlocked:
		tr.Own, tr.At = StackID(a[1]), StackID(a[2])
		to := Runnable
		if typ == evGoCreateBlocked {
			to = Waiting
		}
		if _, err := r.create(a[0], to); err != nil {
			return false, err
		}
	case evGoCreateSyscall:
		g, err := r.create(a[0], Syscall)
		if err != nil {
			return false, err
		}
		t.g = g
	case evGoSwitch, evGoSwitchDestroy:
		g := r.next(a[0], a[1], Waiting)
		if g == nil {
			return false, nil
		}
		if err := r.switchTo(t, typ, g); err != nil {
			return false, err
		}
	case evGoStatus, evGoStatusStack:
		if err := r.status(t, a[0], a[1], a[2], a[3]); err != nil {
			return false, err
		}
	case evUserLog:
		r.lg = Log{Time: tr.Time, On: tr.On, Task: a[0], Category: StringID(a[1]), Message: StringID(a[2]), At: StackID(a[3])}
		r.h.Log(&r.lg)
	case evGCMarkAssistActive:
		r.as = Assist{Time: tr.Time, Goroutine: int64(a[0]), Begin: true}
		r.h.Assist(&r.as)
	case evGCMarkAssistBegin, evGCMarkAssistEnd:
		r.as = Assist{Time: tr.Time, Goroutine: tr.On, Begin: typ == evGCMarkAssistBegin, At: StackID(a[0])}
		r.h.Assist(&r.as)
	default:
		if d := &deeds[typ]; d.to != Undetermined {
			if err := r.deed(t, typ, &a); err != nil {
				return false, err
			}
			break
		}
		r.detail(t, typ, &a)
	}
	t.data = t.data[i:]
	r.num.Events++
	return true, nil
}

// deeds is what a goroutine does itself, on the thread where it is, by the type
// of the event.
var deeds = [256]struct {
	from, to State
	stays    bool // on its thread
	reasoned bool // the first argument is why, and not a number of the processor
}{
	evGoBlock:             {from: Running, to: Waiting, reasoned: true},
	evGoStop:              {from: Running, to: Runnable, reasoned: true},
	evGoSyscallBegin:      {from: Running, to: Syscall, stays: true},
	evGoSyscallEnd:        {from: Syscall, to: Running, stays: true},
	evGoSyscallEndBlocked: {from: Syscall, to: Runnable},
	evGoDestroy:           {from: Running, to: NotExist},
	evGoDestroySyscall:    {from: Syscall, to: NotExist},
}

func (r *Reader) deed(t *thread, typ byte, a *[maxArgs]uint64) error {
	d := &deeds[typ]
	g, err := r.onThread(t, typ, d.from)
	if err != nil {
		return err
	}
	if d.reasoned {
		r.tr.Reason = StringID(a[0])
	}
	r.tr.At, r.tr.Own = StackID(a[1]), StackID(a[1])
	if !d.stays {
		t.g = nil
	}
	if d.to == NotExist {
		r.destroy(g)
	} else {
		r.change(g, d.to)
	}
	return nil
}

// detail gives what only a [DetailHandler] wants.
func (r *Reader) detail(t *thread, typ byte, a *[maxArgs]uint64) {
	d := &r.dt
	*d = Detail{Time: r.tr.Time, On: r.tr.On, Thread: t.id}
	switch typ {
	case evProcsChange:
		d.Kind, d.Value, d.At = Procs, a[0], StackID(a[1])
	case evHeapAlloc:
		d.Kind, d.Value = HeapAlloc, a[0]
	case evHeapGoal:
		d.Kind, d.Value = HeapGoal, a[0]
	case evSTWBegin:
		d.Kind, d.Name, d.At = StopBegin, StringID(a[0]), StackID(a[1])
	case evSTWEnd:
		d.Kind = StopEnd
	case evGCActive:
		d.Kind = GCBegin
	case evGCBegin:
		d.Kind, d.At = GCBegin, StackID(a[1])
	case evGCEnd:
		d.Kind = GCEnd
	case evGCSweepActive:
		d.Kind = SweepBegin
	case evGCSweepBegin:
		d.Kind, d.At = SweepBegin, StackID(a[0])
	case evGCSweepEnd:
		d.Kind = SweepEnd
	case evUserTaskBegin:
		d.Kind, d.Value, d.Name, d.At = TaskBegin, a[0], StringID(a[2]), StackID(a[3])
	case evUserTaskEnd:
		d.Kind, d.Value, d.At = TaskEnd, a[0], StackID(a[1])
	case evUserRegionBegin:
		d.Kind, d.Name, d.At = RegionBegin, StringID(a[1]), StackID(a[2])
	case evUserRegionEnd:
		d.Kind, d.Name, d.At = RegionEnd, StringID(a[1]), StackID(a[2])
	}
	r.details.Detail(d)
}

// on returns the goroutine that runs on t.
func (t *thread) on() int64 {
	if t.g == nil {
		return NoGoroutine
	}
	return t.g.id
}

// next returns the goroutine if the event of that number is what happens to it
// next, and it is in the state from.
func (r *Reader) next(id, seq uint64, from State) *goroutine {
	g := r.gs.Get(int64(id))
	if g == nil || g.status != from || g.gen != r.gen || g.seq+1 != seq {
		return nil
	}
	g.seq = seq
	return g
}

// change gives what r.tr has, of g, which is in the state to from now on.
func (r *Reader) change(g *goroutine, to State) {
	r.tr.Goroutine, r.tr.From, r.tr.To = g.id, g.status, to
	g.status = to
	r.h.Transition(&r.tr)
}

// onThread returns the goroutine that is on t, in that state.
func (r *Reader) onThread(t *thread, typ byte, in State) (*goroutine, error) {
	if t.g == nil || t.g.status != in {
		return nil, fmt.Errorf("event %d on thread %d, which has no goroutine that is %v", typ, t.id, in)
	}
	return t.g, nil
}

func (r *Reader) newGoroutine(id uint64, s State) *goroutine {
	var g *goroutine
	if n := len(r.spare); n > 0 {
		g, r.spare = r.spare[n-1], r.spare[:n-1]
	} else {
		g = new(goroutine)
	}
	*g = goroutine{id: int64(id), status: s, gen: r.gen}
	r.gs.Put(int64(id), g)
	return g
}

func (r *Reader) create(id uint64, to State) (*goroutine, error) {
	if r.gs.Get(int64(id)) != nil {
		return nil, fmt.Errorf("goroutine %d is created and is there already", id)
	}
	g := r.newGoroutine(id, NotExist)
	r.change(g, to)
	return g, nil
}

// maxSpare bounds the memory that is kept for goroutines to come.
const maxSpare = 1024

func (r *Reader) destroy(g *goroutine) {
	r.change(g, NotExist)
	r.gs.Delete(g.id)
	if len(r.spare) < maxSpare {
		r.spare = append(r.spare, g)
	}
}

// switchTo is what a coroutine switch does in one event: the next goroutine is
// woken, the one that runs waits or ends, the next one starts.
func (r *Reader) switchTo(t *thread, typ byte, next *goroutine) error {
	g, err := r.onThread(t, typ, Running)
	if err != nil {
		return err
	}
	r.change(next, Runnable)
	t.g = nil
	if typ == evGoSwitchDestroy {
		r.destroy(g)
	} else {
		r.change(g, Waiting)
	}
	r.tr.On = NoGoroutine
	t.g = next
	r.change(next, Running)
	return nil
}

// status takes the state that a goroutine is in at the begin of a generation.
//
// One that stands among no thread's events did nothing in the generation, and
// what it does later comes after a status of its own: it is given and not
// remembered, for there may be a hundred thousand of them. But if it is in a
// system call, its thread will come back with it.
func (r *Reader) status(t *thread, id, thread, status, stack uint64) error {
	if status >= uint64(len(statuses)) || statuses[status] == Undetermined {
		return fmt.Errorf("goroutine %d has the status %d", id, status)
	}
	to := statuses[status]
	r.tr.Goroutine, r.tr.To, r.tr.Own = int64(id), to, StackID(stack)
	r.tr.Idle = t.id == noThread
	if r.tr.Idle && to != Syscall {
		r.h.Transition(&r.tr)
		return nil
	}
	g := r.gs.Get(int64(id))
	if g == nil {
		g = r.newGoroutine(id, Undetermined)
	} else if g.status != to {
		return fmt.Errorf("goroutine %d is %v and has the status %v", id, g.status, to)
	}
	g.gen, g.seq = r.gen, 0
	switch to {
	case Running:
		t.g = g
	case Syscall:
		if thread != noThread {
			r.thread(thread).g = g
		}
	}
	r.change(g, to)
	return nil
}

func (r *Reader) sample(s *sample) {
	r.sm = Sample{Time: r.clock.nanos(s.time), On: s.goroutine, Thread: s.thread, At: StackID(s.stack)}
	r.h.Sample(&r.sm)
}
