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

// TestLeaveOutServing: attached.trace.gz is what attach fetched of a server that
// did nothing for a second, but serve that. The goroutine of the CPU profile's
// handler has its first stack at its end, and what writes the profile has none of
// its own: neither is the server's.
func TestLeaveOutServing(t *testing.T) {
	t.Parallel()
	handlers := []string{"net/http/pprof.Trace", "net/http/pprof.Profile"}
	in, err := Open("testdata/attached.trace.gz", Options{Serving: handlers})
	if err != nil {
		t.Fatal(err)
	}
	l := in.Trace.Whole
	elapsed := l.Elapsed
	left := in.LeaveOut(handlers...)
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	// What stays is the listener, the readers of two connections, and the edges
	// of what was left out.
	totals := l.Book.Totals()
	stays := totals.Role(ledger.Process)
	if stays < 3*elapsed-elapsed/100 || stays > 3*elapsed+elapsed/100 {
		t.Errorf("%d ns stay of a recording of %d ns, and %d were left out", stays, elapsed, left)
	}
	if n := in.NoStack(); n >= elapsed+elapsed/100 {
		t.Errorf("%d ns have no stack", n)
	}
	if in.LeaveOut(handlers...) != 0 {
		t.Error("something was left out twice")
	}
}
