package cprofile_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/internal/scratch"
)

// The tests of files known_* run programs whose answer is known, because the
// program measures itself around the same operation: what it measures around a
// scope is an upper limit of the scope's length that holds however slow the
// machine is, and what it measures inside one a lower limit.
//
// nap is how long the operations wait, slack how far a time of the trace and
// one that the program read may be apart. Both come from one clock, but a
// thread can lose its core between reading it and parking, and the parser
// moves an event behind those that must have come before it.
const (
	nap   = 20 * time.Millisecond
	slack = nap / 2
)

// known is a profile and what the program knows about it.
type known struct {
	cprofile.Stats
	file *profile.Profile
}

// measure runs f as one scope and returns what the profile says, once it has
// held it against the clock. f is given the scope's handle, for recursion.
func measure(t *testing.T, f func(p *cprofile.Profile), opts ...cprofile.Option) known {
	t.Helper()
	path := filepath.Join(scratch.Folder(t), "known.prof")
	p := cprofile.New(path, opts...)
	var inner time.Duration
	before := time.Now()
	func() {
		defer p.Start().Stop()
		begin := time.Now()
		defer func() { inner = time.Since(begin) }()
		f(p)
	}()
	outer := time.Since(before)
	k := read(t, p, path)
	between(t, "elapsed", k.Elapsed, inner, outer)
	return k
}

// read returns what p knows and what its file says, and asserts what must
// hold for any profile: the states of self add up to the elapsed time, nothing
// is unknown, and the file's sums are those of the stats, to the nanosecond.
func read(t *testing.T, p *cprofile.Profile, path string) known {
	t.Helper()
	k := known{Stats: p.Stats()}
	if k.Elapsed <= 0 {
		t.Fatalf("%v elapsed after Stop", k.Elapsed)
	}
	k.file = await(t, path, k.Elapsed)
	if got := k.States.Total(); got != k.Elapsed {
		t.Errorf("the states of self add up to %v of %v elapsed", got, k.Elapsed)
	}
	if u := k.Unknown + k.Spawned.Unknown + k.Joined.Unknown; u != 0 && !k.steppedDown() {
		t.Errorf("%v are unknown and the file does not say why: %q", u, k.file.Comments)
	}
	for _, r := range []struct {
		role   string
		states cprofile.States
	}{{"self", k.States}, {"spawned", k.Spawned}, {"joined", k.Joined}} {
		for _, s := range []struct {
			state string
			want  time.Duration
		}{
			{"", r.states.Total()}, {"running", r.states.Running}, {"runnable", r.states.Runnable},
			{"blocked", r.states.Blocked}, {"syscall", r.states.Syscall}, {"unknown", r.states.Unknown},
		} {
			if got := k.wall(where{role: r.role, state: s.state}); got != s.want {
				t.Errorf("the file has %v of %s %s, stats have %v", got, r.role, s.state, s.want)
			}
		}
	}
	if got := k.wall(where{role: "self"}); got != time.Duration(k.file.DurationNanos) {
		t.Errorf("the file has %v of self and lasts %v", got, time.Duration(k.file.DurationNanos))
	}
	for reason, want := range k.Reasons {
		if reason == "" { // after a gap a status tells none; where cannot ask for it
			continue
		}
		if got := k.wall(where{state: "blocked", reason: reason}); got != want {
			t.Errorf("the file has %v blocked by %q, stats have %v", got, reason, want)
		}
	}
	return k
}

// steppedDown tells whether more trace came than a machine keeps up with, as
// one with little time for this program may meet: the file says so.
func (k known) steppedDown() bool {
	return slices.ContainsFunc(k.file.Comments, func(c string) bool {
		return strings.HasPrefix(c, "note: ") && strings.Contains(c, "recorded in slices")
	})
}

// await returns the profile at path as soon as it is there and holds elapsed,
// or whatever all its calls have if that is 0: while other scopes are open it is
// written after Stop has returned, and by another test's Flush before.
func await(t *testing.T, path string, elapsed time.Duration) *profile.Profile {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		f, err := parse(path)
		if err == nil && (f.DurationNanos == int64(elapsed) || elapsed == 0 && !hasOpenCall(f)) {
			return f
		}
		if time.Now().After(deadline) {
			if err == nil {
				err = fmt.Errorf("it lasts %v", time.Duration(f.DurationNanos))
			}
			t.Fatalf("no profile of %v: %v", elapsed, err)
		}
	}
}

func hasOpenCall(p *profile.Profile) bool {
	return slices.ContainsFunc(p.Comments, func(c string) bool { return strings.Contains(c, "still going on") })
}

// where picks samples of a profile; empty fields pick all. fns must be on the
// stack in this order, root first, with anything in between.
type where struct {
	role, state, reason string
	fns                 []string
}

// wall sums the default value of the samples that w picks.
func (k known) wall(w where) time.Duration {
	var ns int64
	for _, s := range k.file.Sample {
		if w.match(s) {
			ns += s.Value[2]
		}
	}
	return time.Duration(ns)
}

func (w where) match(s *profile.Sample) bool {
	for _, l := range [][2]string{{"role", w.role}, {"state", w.state}, {"reason", w.reason}} {
		if l[1] != "" && !slices.Contains(s.Label[l[0]], l[1]) {
			return false
		}
	}
	fns := w.fns
	for _, fn := range stack(s) {
		if len(fns) > 0 && fn == fns[0] {
			fns = fns[1:]
		}
	}
	return len(fns) == 0
}

// blocked asserts that the scope was blocked by reason for a nap, no longer
// than the program measured, in the functions fns.
func (k known) blocked(t *testing.T, reason string, measured time.Duration, fns ...string) {
	t.Helper()
	between(t, fmt.Sprintf("blocked by %q in %v", reason, fns), k.blockedFor(reason, fns...), nap, measured)
}

// blockedFor is how long the scope was blocked by reason in the functions fns.
func (k known) blockedFor(reason string, fns ...string) time.Duration {
	return k.wall(where{role: "self", state: "blocked", reason: reason, fns: fns})
}

// lateAtMost has once profile a wait of a nap that another goroutine ends, and
// again, a few times at most, where the profile has less: on a busy machine the
// program can come late to its own wait, even after it has read the clock, and
// the recording can have stepped down.
func lateAtMost(once func() (got time.Duration)) {
	for range 5 {
		if once() >= nap-slack {
			return
		}
	}
}

// whole has once make a recording, and again where that stepped down; skips
// the test if each did.
func whole(t *testing.T, once func() known) known {
	t.Helper()
	for range 5 {
		if k := once(); !k.steppedDown() {
			return k
		}
	}
	t.Skip("the recording stepped down each time: run it again with fewer programs beside it")
	return known{}
}

// between asserts that got lies between what the program knows to be the
// least and the most.
func between(t *testing.T, what string, got, least, most time.Duration) {
	t.Helper()
	if got < least-slack || got > most+slack {
		t.Errorf("%s: %v, want %v to %v", what, got, least, most)
	}
}
