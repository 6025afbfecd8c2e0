package ledger

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func frames(names ...string) []Frame {
	fs := make([]Frame, len(names))
	for i, n := range names {
		fs[i] = Frame{Func: n}
	}
	return fs
}

func names(t *Stacks, s StackID) string {
	fs := t.Frames(s)
	slices.Reverse(fs)
	out := ""
	for _, f := range fs {
		out += f.Func
	}
	return out
}

func TestIntern(t *testing.T) {
	t.Parallel()
	st := NewStacks()
	abc := st.Intern(frames("a", "b", "c")...)
	if again := st.Intern(frames("a", "b", "c")...); again != abc {
		t.Errorf("equal stacks are %d and %d", abc, again)
	}
	if ab := st.Intern(frames("a", "b")...); st.Parent(abc) != ab {
		t.Errorf("parent of abc is %q", names(st, st.Parent(abc)))
	}
	if st.Intern() != 0 || st.Depth(0) != 0 || st.Parent(0) != 0 {
		t.Error("the empty stack is not the zero StackID")
	}
	if got := names(st, abc); got != "abc" || st.Depth(abc) != 3 {
		t.Errorf("got %q of depth %d", got, st.Depth(abc))
	}
	if st.FrameOf(st.Leaf(abc)).Func != "c" {
		t.Error("the leaf is not the innermost frame")
	}
	other := st.Intern(Frame{Func: "a"}, Frame{Func: "b", Line: 2})
	if other == st.Parent(abc) {
		t.Error("frames of different lines are one")
	}
}

func TestUnder(t *testing.T) {
	t.Parallel()
	st := NewStacks()
	ab, cd := st.Intern(frames("a", "b")...), st.Intern(frames("c", "d")...)
	for _, c := range []struct {
		parent, s StackID
		want      string
	}{
		{ab, cd, "abcd"}, {ab, 0, "ab"}, {0, cd, "cd"}, {0, 0, ""}, {ab, ab, "abab"},
	} {
		got := st.Under(c.parent, c.s)
		if names(st, got) != c.want {
			t.Errorf("%q under %q is %q", names(st, c.s), names(st, c.parent), names(st, got))
		}
		if got != st.Under(c.parent, c.s) {
			t.Error("a second time it is another stack")
		}
	}
}

func TestAncestor(t *testing.T) {
	t.Parallel()
	st := NewStacks()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var a, b []Frame
		for range rng.IntN(8) {
			a = append(a, Frame{Func: fmt.Sprint(rng.IntN(2))})
		}
		for range rng.IntN(8) {
			b = append(b, Frame{Func: fmt.Sprint(rng.IntN(2))})
		}
		n := 0
		for n < len(a) && n < len(b) && a[n] == b[n] {
			n++
		}
		x, y := st.Intern(a...), st.Intern(b...)
		if got, want := st.Ancestor(x, y), st.Intern(a[:n]...); got != want || st.Ancestor(y, x) != want {
			t.Fatalf("ancestor of %q and %q is %q", names(st, x), names(st, y), names(st, got))
		}
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	st := NewStacks()
	for i := range 1 << 16 {
		s := fmt.Sprint(i)
		id := st.Reason(s)
		if want := s; i < 1<<16-1 && st.ReasonOf(id) != want {
			t.Fatalf("reason %d is %q", i, st.ReasonOf(id))
		}
	}
	if id := st.Reason("one too many"); id != 0 {
		t.Errorf("a full table gave id %d", id)
	}
	if st.ReasonOf(st.Reason("7")) != "7" || st.Reason("") != 0 {
		t.Error("a full table has lost what it had")
	}
}
