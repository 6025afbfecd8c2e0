package report

// OpenTasks returns the task ids of the scopes that the engine sees open.
func (e *Engine) OpenTasks() map[uint64]bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.fold.OpenTasks()
}

// BeginAt and EndAt are the edges of scopes that no recording shows.
func (e *Engine) BeginAt(task uint64, goroutine, t int64) {
	e.mu.Lock()
	e.fold.BeginAt(task, goroutine, t)
	e.mu.Unlock()
}

// EndAt is the end of a scope that no recording shows.
func (e *Engine) EndAt(task uint64, t int64) {
	e.mu.Lock()
	e.fold.EndAt(task, t)
	e.mu.Unlock()
}

// JoinAt and LeaveAt are the edges of joins that no recording shows.
func (e *Engine) JoinAt(task, join uint64, goroutine, t int64) {
	e.mu.Lock()
	e.fold.JoinAt(task, join, goroutine, t)
	e.mu.Unlock()
}

// LeaveAt is the end of a join that no recording shows.
func (e *Engine) LeaveAt(join uint64, t int64) {
	e.mu.Lock()
	e.fold.LeaveAt(join, t)
	e.mu.Unlock()
}

// OpenJoins returns the joins that the engine sees open.
func (e *Engine) OpenJoins() map[uint64]bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.fold.OpenJoins()
}
