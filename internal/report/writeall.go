package report

import "time"

// atOnce is how many files are written at a time. What takes the time is the
// disk, which brings several to safety in hardly more than it needs for one.
const atOnce = 8

// patience is how long writes may all stand still that nobody waits for.
const patience = time.Second

// Attempt is what [Engine.WriteAll] writes, and what it waits for.
type Attempt struct {
	OpenToo bool // see Write
	Final   bool // no scope is open
	// For is the destination that is waited for however long it takes, nil if
	// there is none; with All all are. The others are left behind when they
	// stand still: the reader of somebody else's FIFO or stdout, or a disk that
	// hangs, is nothing for a scope's end to wait for.
	For *Destination
	All bool
	// Late is given what becomes of those that were left behind.
	Late func(*Destination, error)
}

func (a *Attempt) waitsFor(d *Destination) bool { return a.All || a.For == d }

// WriteAll writes each destination as Write does and returns their errors, in
// the same order. Tables on stdout come in that order too.
func (e *Engine) WriteAll(ds []*Destination, a Attempt) []error {
	errs := make([]error, len(ds))
	jobs := a.jobs(ds)
	if len(jobs) == 1 && len(jobs[0]) == 1 && a.waitsFor(ds[jobs[0][0]]) { // nearly always
		i := jobs[0][0]
		errs[i] = e.Write(ds[i], a.OpenToo, a.Final)
		return errs
	}
	left, needed := 0, 0
	for _, j := range jobs {
		for _, i := range j {
			left++
			if a.waitsFor(ds[i]) {
				needed++
			}
		}
	}
	done := e.work(ds, a, jobs)
	still := time.NewTimer(patience)
	defer still.Stop()
	for ; left > 0; left-- {
		var o outcome
		select {
		case o = <-done:
		case <-still.C:
			if needed == 0 {
				go a.late(ds, done, left)
				return errs
			}
			o = <-done
		}
		errs[o.i] = o.err
		if a.waitsFor(ds[o.i]) {
			needed--
		}
		still.Reset(patience)
	}
	return errs
}

// jobs returns the indices of what is to be written, in groups whose order
// counts. What an earlier attempt left behind, and is still there, is left alone.
func (a *Attempt) jobs(ds []*Destination) (jobs [][]int) {
	var tables []int
	for i, d := range ds {
		switch {
		case !a.waitsFor(d) && d.apart.Swap(true):
		case d.stdout:
			tables = append(tables, i)
		default:
			jobs = append(jobs, []int{i})
		}
	}
	if len(tables) > 0 {
		jobs = append(jobs, tables)
	}
	return jobs
}

// outcome is what has become of ds[i].
type outcome struct {
	i   int
	err error
}

// work begins to write, and returns where each outcome comes.
func (e *Engine) work(ds []*Destination, a Attempt, jobs [][]int) <-chan outcome {
	queue, done := make(chan []int, len(jobs)), make(chan outcome, len(ds)) // nobody need be there to take them
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	for range min(atOnce, len(jobs)) {
		go func() {
			for j := range queue {
				for _, i := range j {
					err := e.Write(ds[i], a.OpenToo, a.Final)
					if !a.waitsFor(ds[i]) {
						ds[i].apart.Store(false)
					}
					done <- outcome{i, err}
				}
			}
		}()
	}
	return done
}

// late tells of those that were left behind.
func (a *Attempt) late(ds []*Destination, done <-chan outcome, left int) {
	for range left {
		o := <-done
		a.Late(ds[o.i], o.err)
	}
}
