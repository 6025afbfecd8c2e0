package context_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/internal/scratch"
)

// nap is how long workers wait, slack how far a time of the trace and one that
// the program read may be apart: see the known_* tests of package cprofile.
const (
	nap   = 20 * time.Millisecond
	slack = nap / 2
)

// crew is a worker crew older than any scope.
type crew struct {
	jobs chan job
	wg   sync.WaitGroup
}

type job struct {
	ctx  context.Context
	f    func()
	done chan joinedFor
}

// joinedFor is the least and the most that a job can have been joined: a busy
// machine may stop a worker between its clock's reading and the edge.
type joinedFor struct{ least, most time.Duration }

func newPool(t *testing.T, n int) *crew {
	p := &crew{jobs: make(chan job)}
	for range n {
		p.wg.Go(func() {
			for j := range p.jobs {
				p.work(j)
			}
		})
	}
	t.Cleanup(func() { close(p.jobs); p.wg.Wait() })
	return p
}

func (p *crew) work(j job) {
	var d joinedFor
	before := time.Now()
	leave := profctx.Join(j.ctx)
	begin := time.Now()
	joinedWork(j.f)
	d.least = time.Since(begin)
	leave()
	d.most = time.Since(before)
	leave() // twice is harmless
	j.done <- d
}

//go:noinline
func joinedWork(f func()) { f() }

// run has f done n times and returns how long the jobs say they were joined.
func (p *crew) run(ctx context.Context, n int, f func()) (sum joinedFor) {
	done := make(chan joinedFor, n)
	for range n {
		p.jobs <- job{ctx, f, done}
	}
	for range n {
		d := <-done
		sum.least += d.least
		sum.most += d.most
	}
	return sum
}

// known is what is known of the scope that wrote to path.
func known(t *testing.T, path string) (cprofile.Stats, *profile.Profile) {
	t.Helper()
	s := cprofile.New(path).Stats()
	if s.States.Total() != s.Elapsed || s.Elapsed == 0 {
		t.Errorf("states of self add up to %v of %v elapsed", s.States.Total(), s.Elapsed)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		f, err := os.Open(path)
		if err == nil {
			p, err := profile.Parse(f)
			f.Close()
			if err == nil && p.DurationNanos == int64(s.Elapsed) {
				if u := s.Unknown + s.Joined.Unknown + s.Spawned.Unknown; u != 0 && !inSlices(p) {
					t.Errorf("%v are unknown", u)
				}
				return s, p
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no profile of %v: %v", s.Elapsed, err)
		}
	}
}

// wall sums a role's samples that have the function fn on the stack, any for "".
func wallOf(p *profile.Profile, role, fn string) (sum time.Duration) {
	for _, s := range p.Sample {
		has := fn == ""
		for _, l := range s.Location {
			has = has || l.Line[0].Function.Name == fn
		}
		if has && s.Label["role"][0] == role {
			sum += time.Duration(s.Value[2])
		}
	}
	return sum
}

func between(t *testing.T, what string, got, least, most time.Duration) {
	t.Helper()
	if got < least-slack || got > most+slack {
		t.Errorf("%s: %v, want %v to %v", what, got, least, most)
	}
}

// lateAtMost has once measure what waits for least, and again, a few times at
// most, where that was shorter, since on a busy machine one can come late to
// the wait, or where the recording was in slices.
func lateAtMost(t *testing.T, least time.Duration, once func() (got time.Duration, f *profile.Profile)) {
	t.Helper()
	for try := 1; ; try++ {
		got, f := once()
		switch sliced := inSlices(f); {
		case try == 5 && sliced:
			t.Skip("recorded in slices each time: run it again with fewer programs beside it")
		case try == 5, got >= least-slack && !sliced:
			return
		}
	}
}

// TestJoinedWorkers has work done by a crew that joins: its time in the jobs
// counts, its time between them does not.
func TestJoinedWorkers(t *testing.T) {
	t.Parallel()
	p := newPool(t, 2)
	var took joinedFor
	var s cprofile.Stats
	var f *profile.Profile
	lateAtMost(t, 6*nap, func() (time.Duration, *profile.Profile) {
		path := filepath.Join(scratch.Folder(t), "joined.prof")
		ctx, stop := profctx.With(context.Background(), path)
		took = p.run(ctx, 6, func() { time.Sleep(nap) })
		time.Sleep(nap) // the crew waits for jobs
		if err := stop(); err != nil {
			t.Error(err)
		}
		s, f = known(t, path)
		return s.Joined.Blocked, f
	})
	between(t, "joined", s.Joined.Total(), took.least, took.most)
	between(t, "blocked", s.Joined.Blocked, 6*nap, took.most)
	if got := wallOf(f, "joined", ""); got != s.Joined.Total() {
		t.Errorf("the file has %v joined, stats have %v", got, s.Joined.Total())
	}
	const fn = "github.com/profscope/profscope/context_test.joinedWork"
	between(t, "in the jobs", wallOf(f, "joined", fn), 6*nap, took.most)
	if wallOf(f, "self", fn) != 0 || s.Spawned.Total() != 0 {
		t.Errorf("the jobs count as self for %v, %v are spawned", wallOf(f, "self", fn), s.Spawned.Total())
	}
}

// TestJoinTwice joins twice and leaves once: the worker is still a member, and
// its time counts once.
func TestJoinTwice(t *testing.T) {
	t.Parallel()
	p := newPool(t, 1)
	var took joinedFor
	var s cprofile.Stats
	lateAtMost(t, 0, func() (time.Duration, *profile.Profile) { // being joined has no wait to come late to
		path := filepath.Join(scratch.Folder(t), "twice.prof")
		ctx, stop := profctx.With(context.Background(), path)
		took = p.run(ctx, 1, func() {
			inner := profctx.Join(ctx)
			time.Sleep(nap)
			inner()
			time.Sleep(nap)
		})
		stop()
		var f *profile.Profile
		s, f = known(t, path)
		return s.Joined.Total(), f
	})
	between(t, "joined", s.Joined.Total(), 2*nap, took.most)
}

// TestWithoutJoin has the same crew work without a scope in the context, and
// with one that has ended: nothing of it counts.
func TestWithoutJoin(t *testing.T) {
	t.Parallel()
	p := newPool(t, 1)
	ended, stop := profctx.With(context.Background(), filepath.Join(scratch.Folder(t), "ended.prof"))
	stop()
	var s cprofile.Stats
	lateAtMost(t, 2*nap, func() (time.Duration, *profile.Profile) {
		path := filepath.Join(scratch.Folder(t), "without.prof")
		_, stop := profctx.With(context.Background(), path)
		p.run(context.Background(), 1, func() { time.Sleep(nap) })
		p.run(ended, 1, func() { time.Sleep(nap) })
		stop()
		var f *profile.Profile
		s, f = known(t, path)
		if s.Joined.Total() != 0 || s.Spawned.Total() != 0 {
			t.Errorf("%v joined and %v spawned by nobody", s.Joined.Total(), s.Spawned.Total())
		}
		return s.Blocked, f
	})
	between(t, "blocked", s.Blocked, 2*nap, s.Elapsed)
}

// TestNilContext: what has no context has an empty one.
func TestNilContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(scratch.Folder(t), "nil.prof")
	var none context.Context
	profctx.Join(none)()
	ctx, stop := profctx.With(none, path)
	profctx.Join(ctx)()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if s, _ := known(t, path); s.Calls != 1 {
		t.Errorf("%d calls", s.Calls)
	}
}

// TestOpenerJoins keeps self for what joins its own scope.
func TestOpenerJoins(t *testing.T) {
	t.Parallel()
	path := filepath.Join(scratch.Folder(t), "own.prof")
	ctx, stop := profctx.With(context.Background(), path)
	leave := profctx.Join(ctx)
	time.Sleep(nap)
	leave()
	stop()
	s, _ := known(t, path)
	if s.Joined.Total() != 0 {
		t.Errorf("%v of the opener count as joined", s.Joined.Total())
	}
}
