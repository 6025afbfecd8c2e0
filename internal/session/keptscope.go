package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/trace"
	"slices"
	"sync"
	"time"

	"github.com/profscope/profscope/internal/report"
)

// KeptScope is a scope that is only kept: whether it counts is decided at its
// end.
type KeptScope struct {
	sc    Scope
	dest  *report.Destination
	begun int64 // nanotime
}

// OnlySlow reports whether the door keeps slow calls alone.
func (d *Door) OnlySlow() bool { return d != nil && d.o.SlowerThan > 0 }

// BeginKept opens one for the door's destination, on the calling goroutine.
func (d *Door) BeginKept() KeptScope {
	if d == nil || d.dest == nil {
		return KeptScope{}
	}
	ctx, task := trace.NewTask(context.Background(), d.dest.Target())
	s := &slot{door: d, ctx: ctx, task: taskID(task), own: task, dest: d.dest}
	turn := s.turn.Add(1)
	trace.Log(s.ctx, report.CategoryBegin, "")
	return KeptScope{Scope{s, turn}, d.dest, nanotime()}
}

// Attach returns a context that carries the scope, for Join.
func (ks KeptScope) Attach(ctx context.Context) context.Context { return ks.sc.Attach(ctx) }

// End closes the scope. If it lasted at least as long as the door's SlowerThan,
// its file is written soon, from what is kept.
func (ks KeptScope) End() {
	s := ks.sc.s
	if s == nil || !s.turn.CompareAndSwap(ks.sc.turn, ks.sc.turn+1) {
		return
	}
	trace.Log(s.ctx, report.CategoryEnd, "")
	s.own.End()
	if d := s.door; !d.OnlySlow() || time.Duration(nanotime()-ks.begun) < d.o.SlowerThan {
		return
	}
	ks.dest.Started(time.Now().Add(-time.Duration(nanotime() - ks.begun)))
	slow.add(s.task, report.PastCall{Dest: ks.dest, Options: &s.door.o.Options})
}

// maxSlow bounds the slow calls that wait for the ring to be read.
const maxSlow = 1 << 14

// slow has the slow calls of the process that were only kept.
var slow slowCalls

// slowCalls are calls whose traces are in the ring and have not been read. Its lock
// is not the ring's: who ends a call does not wait for the ring to be read. The
// zero value is ready.
type slowCalls struct {
	mu      sync.Mutex
	waiting map[uint64]report.PastCall // by task
	dropped int                        // calls for which there was no room
	reading bool
	next    int64 // nanotime at which the ring may be read again; of who reads
}

func (c *slowCalls) add(task uint64, p report.PastCall) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = make(map[uint64]report.PastCall)
	}
	if len(c.waiting) < maxSlow {
		c.waiting[task] = p
	} else {
		c.dropped++
	}
	if !c.reading {
		c.reading = true
		go c.read()
	}
}

// writtenAgain is how often files of slow calls are written at most, if that is much
// work: as often as those of a recording that goes on.
const writtenAgain = int64(time.Second)

// read reads the ring for slow calls, until there are none: together those that
// came since it began the last time, for reading may take a twentieth of the time.
// So may writing, as far as that is work of ours: how long a disk hangs, or
// somebody's reader takes nothing, is nothing for the calls of others to wait for,
// which are in the ring for only so long.
func (c *slowCalls) read() {
	for {
		time.Sleep(time.Duration(c.next - nanotime()))
		t := nanotime()
		c.mu.Lock()
		tasks, dropped := c.waiting, c.dropped
		c.waiting, c.dropped = nil, 0
		c.mu.Unlock()
		err := readSlow(tasks, dropped)
		read := nanotime()
		writeSlow(tasks)
		written := nanotime()
		if err != nil {
			slog.Error("profscope: slow requests are not profiled", "requests", len(tasks)+dropped, "error", err)
		}
		c.next = written + min(20*(read-t)+min(20*(written-read), writtenAgain), int64(kept.length()/2))
		c.mu.Lock()
		c.reading = c.waiting != nil
		again := c.reading
		c.mu.Unlock()
		if !again {
			return
		}
	}
}

// readSlow adds what the ring has of slow calls to their destinations.
func readSlow(tasks map[uint64]report.PastCall, dropped int) error {
	b, err := kept.read()
	if err != nil {
		return err
	}
	n, err := theEngine().AddPastCalls(b, tasks)
	if n < len(tasks) {
		err = errors.Join(err, fmt.Errorf("of %d the begin is not kept any more", len(tasks)-n))
	}
	if dropped > 0 {
		err = errors.Join(err, fmt.Errorf("%d came when %d were waiting", dropped, maxSlow))
	}
	return err
}

// writeSlow writes the files of slow calls.
func writeSlow(tasks map[uint64]report.PastCall) {
	theirs := make(map[*report.Destination]bool)
	for _, p := range tasks {
		theirs[p.Dest] = true
	}
	e := theEngine()
	due := slices.DeleteFunc(e.All(), func(d *report.Destination) bool { return !theirs[d] }) // in their order
	var news []func()
	for i, err := range e.WriteAll(due, report.Attempt{Final: !live(), Live: live, Late: tellLate}) {
		news = append(news, due[i].Telling(err, nil, logError))
	}
	for _, tell := range news {
		tell()
	}
}
