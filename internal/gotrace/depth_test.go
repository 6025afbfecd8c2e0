package gotrace_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/profscope/profscope/internal/ledger"
)

// TestPrefixDepthIsCapped lets goroutines start successors for ever, at two
// places in turn, so that no hop equals the one before it.
func TestPrefixDepthIsCapped(t *testing.T) {
	tl := newTimeline()
	tl.play(t, "door 1 a\n100 g1 begin 1 main.f\n101 g1 go g2 main.a main.f\n")
	for i := range 1000 {
		fn := [2]string{"main.a", "main.b"}
		tl.play(t, fmt.Sprintf("%d g%d run\n%[1]d g%[2]d go g%[3]d %s %s\n%[1]d g%[2]d exit\n",
			110+i, i+2, i+3, fn[(i+1)%2], fn[i%2]))
	}
	tl.play(t, "2000 g1 end 1 main.f")
	tl.check(t)
	l := tl.ledgers["a"]
	if got, want := l.Goroutines[ledger.Spawned], int64(1001); got != want {
		t.Errorf("%d goroutines, want %d", got, want)
	}
	deepest := 0
	for _, e := range l.Book.Entries() {
		deepest = max(deepest, l.Stacks.Depth(e.Stack))
	}
	if deepest < 256 || deepest > 260 {
		t.Errorf("the deepest stack has %d frames, want 256 and what its last goroutine has itself", deepest)
	}
}

// TestCutStackSaysSo gives the fold a stack of the runtime's limit, of which
// it cannot know the root, and one that is a frame short of it.
func TestCutStackSaysSo(t *testing.T) {
	deep := func(n int) string { return strings.TrimSuffix(strings.Repeat("main.r;", n), ";") }
	tl := newTimeline()
	tl.play(t, "door 1 a\n100 g1 begin 1 main.f\n"+
		"110 g1 syscall "+deep(128)+"\n120 g1 sysret\n"+
		"130 g1 syscall "+deep(127)+"\n140 g1 sysret\n150 g1 end 1 main.f")
	tl.check(t)
	var cut, whole int
	for _, e := range tl.ledgers["a"].Book.Entries() {
		if e.State != ledger.Syscall {
			continue
		}
		fs := tl.stacks.Frames(e.Stack)
		switch root := fs[len(fs)-1].Func; root {
		case "[stack cut at 128 frames]":
			cut++
		case "main.r":
			whole++
		default:
			t.Errorf("root is %q", root)
		}
	}
	if cut != 1 || whole != 1 {
		t.Errorf("%d stacks cut and %d whole, want one of each", cut, whole)
	}
}

// TestDoneAndEnded asserts what a door is told: each outermost call once, at
// its end, with its length, and every end of a scope.
func TestDoneAndEnded(t *testing.T) {
	tl := newTimeline()
	tl.play(t, `
door 1 a
door 2 a
100 g1 begin 1 main.f
120 g1 begin 2 main.f
130 g1 end 2 main.f
200 g1 end 1 main.f
210 g1 end 1 main.f
300 g2 begin 1 main.f
350 g2 end 1 main.f
`)
	want := "call 100: 100 ns, 2 calls; call 300: 50 ns, 1 calls"
	if got := strings.Join(tl.done, "; "); got != want {
		t.Errorf("Done was told %q, want %q", got, want)
	}
	if tl.ended != 3 {
		t.Errorf("Ended was called %d times, want 3", tl.ended)
	}
	if n := len(tl.fold.OpenTasks()); n != 0 {
		t.Errorf("%d tasks are open, want none", n)
	}
}

// TestSpansAreTheBook asserts that the spans given out one by one add up to
// what is booked, do not overlap per goroutine, and name who woke whom.
func TestSpansAreTheBook(t *testing.T) {
	tl := newTimeline()
	var spans []ledger.Span
	tl.collect(&spans)
	tl.play(t, `
door 1 a
100 g1 begin 1 main.f
110 g1 go g2 main.child main.f
120 g2 run
130 g1 block chan_receive main.f
150 g2 wake g1 main.child;main.send
155 g1 run
200 g1 end 1 main.f
`)
	tl.check(t)
	until := make(map[int64]int64)
	sum := make(map[ledger.Key]int64)
	for _, s := range spans {
		if s.Begin < until[s.Goroutine] {
			t.Errorf("a span of g%d begins at %d, the one before ended at %d", s.Goroutine, s.Begin, until[s.Goroutine])
		}
		until[s.Goroutine] = s.End
		sum[ledger.Key{Stack: s.Stack, Reason: s.Reason, State: s.State, Role: s.Role}] += s.Nanos()
		if s.State == ledger.Blocked && (s.Waker != 2 || stackText(tl.stacks, s.WakerStack) != "[main.child;main.send]") {
			t.Errorf("woken by g%d at %s", s.Waker, stackText(tl.stacks, s.WakerStack))
		}
	}
	for _, e := range tl.ledgers["a"].Book.Entries() {
		k := e.Key
		k.Class = 0
		if sum[k] != e.Nanos {
			t.Errorf("%v: spans add up to %d, booked %d", k, sum[k], e.Nanos)
		}
	}
}
