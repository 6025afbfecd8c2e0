package session

// reconcileLocked brings scopes and joins whose edges nobody saw in line with
// the doors, while no trace is read. Of a lost join the goroutine is not known:
// it can only be told.
func (r *recorder) reconcileLocked() {
	e := theEngine()
	joined := r.slots.joins() // before the side list is looked at, where they may still be
	r.side.apply(e)
	known := e.OpenJoins()
	for id, d := range joined {
		if !known[id] {
			e.Note(d, lostJoinNote)
		}
	}
	before := r.id.Load()
	if r.missed {
		// Those of this recording too. One whose begin is on its way to the
		// side list at this moment begins here, on nobody's goroutine.
		before, r.missed = 0, false
	}
	r.matchLocked(before)
	r.unbindLocked()
}

// matchLocked begins the scopes that are open, began in a recording before that
// one (any, for 0), and of which the engine does not know; and ends what has
// been ended.
func (r *recorder) matchLocked(before int64) {
	e := theEngine()
	joined := r.slots.joins()
	for id := range e.OpenJoins() {
		if joined[id] == nil {
			e.LeaveAt(id, nanotime())
		}
	}
	open := r.slots.open(before)
	known := e.OpenTasks()
	now := nanotime()
	for task := range open {
		if !known[task] {
			e.BeginAt(task, nobody(task), now)
		}
	}
	r.endUnseenLocked(now)
}

// endUnseenLocked ends the scopes whose end no trace showed: somebody else had
// ended it before.
func (r *recorder) endUnseenLocked(now int64) {
	e := theEngine()
	all := r.slots.open(0)
	for task := range e.OpenTasks() {
		if !all[task] {
			e.EndAt(task, now)
		}
	}
}

// unbindLocked forgets the scopes for a single call whose doors have ended them
// and whose edges nobody saw, or no room was for. No trace is being read.
func (r *recorder) unbindLocked() {
	e := theEngine()
	gone := r.slots.without(e.Once())
	r.side.apply(e) // what it has of them was there before they were gone
	e.Unbind(gone)
}
