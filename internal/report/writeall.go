package report

import (
	"sync"
	"time"
)

// atOnce is how many files are written at a time. What takes the time is the
// disk, which brings several to safety in hardly more than it needs for one.
const atOnce = 8

// patience is how long writes may all stand still before those under way are
// taken for stuck: what was to be written after them is begun, and who waits for
// none of them goes on.
const patience = time.Second

// Attempt is what [Engine.WriteAll] writes, and what it waits for.
type Attempt struct {
	OpenToo bool        // see Write
	Final   bool        // no scope is open
	Live    func() bool // whether one is open when that is written which others left to this attempt
	// For is the destination that is waited for however long it takes, nil if
	// there is none; with All all are. The others are left behind when they
	// are stuck: the reader of somebody else's FIFO or stdout, or a disk that
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
	if len(ds) == 1 && a.waitsFor(ds[0]) { // nearly always
		errs[0] = e.Write(ds[0], a.OpenToo, a.Final)
		return errs
	}
	queue, left := a.queue(ds)
	needed := 0
	for _, d := range ds {
		if a.waitsFor(d) {
			needed++
		}
	}
	w := &writers{
		e: e, ds: ds, a: a, queue: queue,
		under: make(map[int]*job),
		stuck: make(map[int]bool),
		done:  make(chan outcome, left), // nobody need be there to take them
	}
	w.start(atOnce)
	still := time.NewTimer(e.patience)
	defer still.Stop()
	for left > 0 {
		select {
		case o := <-w.done:
			left--
			errs[o.i] = o.err
			if a.waitsFor(ds[o.i]) {
				needed--
			}
		case <-still.C:
			if w.standStill() && needed == 0 {
				go w.late(left)
				return errs
			}
		}
		still.Reset(e.patience)
	}
	return errs
}

// job is what is written one after the other: indices of destinations.
type job struct{ is []int }

// queue returns the jobs and how many destinations they have. What an earlier
// attempt left behind, and is still stuck, is left to that one.
func (a *Attempt) queue(ds []*Destination) (jobs []*job, n int) {
	tables := new(job)
	for i, d := range ds {
		switch {
		case !a.waitsFor(d) && d.behind.leaves():
			continue
		case d.stdout:
			tables.is = append(tables.is, i)
		case a.For == d: // nothing stuck is before it
			jobs = append([]*job{{[]int{i}}}, jobs...)
		default:
			jobs = append(jobs, &job{[]int{i}})
		}
		n++
	}
	if len(tables.is) > 0 {
		jobs = append([]*job{tables}, jobs...)
	}
	return jobs, n
}

// writers are the goroutines of one WriteAll.
type writers struct {
	e    *Engine
	ds   []*Destination
	a    Attempt
	done chan outcome

	mu      sync.Mutex
	started int // goroutines
	queue   []*job
	under   map[int]*job // destinations that are being written
	stuck   map[int]bool // those that were left behind
}

// outcome is what has become of ds[i].
type outcome struct {
	i   int
	err error
}

// start has up to n more goroutines write what is queued.
func (w *writers) start(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range min(n, len(w.queue)) {
		w.started++
		go w.run()
	}
}

func (w *writers) run() {
	var j *job
	for {
		i, ok := w.begin(&j)
		if !ok {
			return
		}
		w.done <- outcome{i, w.write(i)}
	}
}

// begin takes the next destination of j, or of a new job in its place.
func (w *writers) begin(j **job) (i int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if *j == nil || len((*j).is) == 0 {
		if len(w.queue) == 0 {
			return 0, false
		}
		*j, w.queue = w.queue[0], w.queue[1:]
	}
	i, (*j).is = (*j).is[0], (*j).is[1:]
	w.under[i] = *j
	return i, true
}

func (w *writers) write(i int) error {
	d := w.ds[i]
	err := w.e.Write(d, w.a.OpenToo, w.a.Final)
	w.mu.Lock()
	stuck := w.stuck[i]
	delete(w.under, i)
	w.mu.Unlock()
	for stuck && d.behind.again() {
		if err != nil {
			w.a.Late(d, err)
		}
		err = w.e.Write(d, false, !w.a.Live())
	}
	return err
}

// standStill takes what is under way for stuck, and has as many goroutines as
// there are write what is queued, besides them. It reports whether nothing was.
func (w *writers) standStill() (allBegun bool) {
	w.mu.Lock()
	for i, j := range w.under {
		if !w.stuck[i] && !w.a.waitsFor(w.ds[i]) {
			w.stuck[i] = true
			w.ds[i].behind.stays()
		}
		if len(j.is) > 0 {
			w.queue = append([]*job{{j.is}}, w.queue...)
			j.is = nil
		}
	}
	allBegun = len(w.queue) == 0
	n := w.started
	w.mu.Unlock()
	w.start(n)
	return allBegun
}

// late tells of those that were left behind.
func (w *writers) late(left int) {
	for range left {
		o := <-w.done
		w.a.Late(w.ds[o.i], o.err)
	}
}

// behind counts the attempts whose write of a destination is stuck. Others leave
// the destination to them. The zero value is ready.
type behind struct {
	mu   sync.Mutex
	n    int
	left bool // to them, by somebody
}

// leaves reports whether the destination is left to those stuck.
func (b *behind) leaves() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = b.n > 0
	return b.left
}

func (b *behind) stays() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
}

// again reports whether the one who asks, and is stuck no more, has to write for
// those who left the destination to it: then it may be so again, and still counts.
// Otherwise it counts no more.
func (b *behind) again() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n == 1 && b.left {
		b.left = false
		return true
	}
	b.n--
	return false
}
