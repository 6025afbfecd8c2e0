package convert

import (
	"slices"
	"testing"

	"github.com/profscope/profscope/internal/ledger"
)

// TestLeaveOut: what is left adds up, and is what has none of the functions.
func TestLeaveOut(t *testing.T) {
	t.Parallel()
	in, err := Open("../../cmd/profscope/testdata/files/server.trace.gz", Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := in.Trace.Whole
	all := l.Book.Totals()
	var want int64
	for _, e := range l.Book.Entries() {
		if hasOne(l.Stacks, e.Stack, []string{"main.worker"}) {
			want += e.Nanos
		}
	}
	got := in.LeaveOut("main.worker", "main.nobody")
	if got != want || got == 0 {
		t.Errorf("%d ns are left out, want %d", got, want)
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	left := l.Book.Totals()
	if left.Role(ledger.Process) != all.Role(ledger.Process)-want {
		t.Errorf("%d ns of %d are left", left.Role(ledger.Process), all.Role(ledger.Process))
	}
	if slices.ContainsFunc(l.Book.Entries(), func(e ledger.Entry) bool { return hasOne(l.Stacks, e.Stack, []string{"main.worker"}) }) {
		t.Error("something of it is left")
	}
	if again := in.LeaveOut("main.worker"); again != 0 {
		t.Errorf("%d ns were left out twice", again)
	}
}
