package convert

import (
	"errors"
	"io"
	"slices"
	"testing"
)

// TestNarrowed: the table and the profile are of the same stacks, to the
// nanosecond, and what is narrowed stays as it was.
func TestNarrowed(t *testing.T) {
	t.Parallel()
	in, err := Open("../../cmd/profscope/testdata/files/server.trace.gz", Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := in.Trace.Whole
	before := l.Book.Clone()
	for _, o := range []OutputOptions{
		{Focus: "main.spin"}, {Ignore: "main.spin"}, {Focus: "main.worker", Ignore: "Sleep"}, {Focus: "waitgroup.go"}, // a file
	} {
		n, err := narrowed(l, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Check(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
		p := in.AsProfile().Copy()
		if err := selectStacks(p, o.Focus, o.Ignore); err != nil {
			t.Fatal(err)
		}
		at, err := sampleIndex(p, "wall")
		if err != nil {
			t.Fatal(err)
		}
		var want, got int64
		for _, s := range p.Sample {
			want += s.Value[at]
		}
		for _, e := range n.Book.Entries() {
			got += e.Nanos
		}
		if got != want || got == 0 {
			t.Errorf("%+v: the table has %d ns, the profile %d", o, got, want)
		}
	}
	if !slices.Equal(l.Book.Entries(), before.Entries()) || l.Check() != nil || len(l.Notes) > 0 {
		t.Error("the ledger was changed")
	}
	if err := Write(io.Discard, []*Input{in}, ".txt", OutputOptions{Focus: "nothing.at.all"}); !errors.Is(err, errNoStack) {
		t.Errorf("with nothing left: %v", err)
	}
}
