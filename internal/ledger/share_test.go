package ledger_test

import (
	"testing"

	"github.com/profscope/profscope/internal/ledger"
)

// TestShareOutKeepsReasons shares running time out over samples: within what
// is exact (role, class, reason), and to the nanosecond.
func TestShareOutKeepsReasons(t *testing.T) {
	s := ledger.NewStacks()
	f, g, h := s.Intern(ledger.Frame{Func: "f"}), s.Intern(ledger.Frame{Func: "g"}), s.Intern(ledger.Frame{Func: "h"})
	assist := s.Reason("GC mark assist")
	var b ledger.Book
	b.Add(ledger.Key{Stack: f, State: ledger.Running}, 100)
	for range 2 {
		b.Sample(ledger.Key{Stack: g, State: ledger.Running})
	}
	b.Sample(ledger.Key{Stack: h, State: ledger.Running})
	b.Add(ledger.Key{Stack: g, State: ledger.Running, Reason: assist}, 50)
	b.Add(ledger.Key{Stack: f, State: ledger.Running, Role: ledger.Spawned}, 30)
	b.Add(ledger.Key{Stack: f, State: ledger.Blocked}, 7)
	b.Sample(ledger.Key{Stack: h, State: ledger.Syscall})

	want := map[ledger.Key]int64{
		{Stack: g, State: ledger.Running}:                       66,
		{Stack: h, State: ledger.Running}:                       34,
		{Stack: g, State: ledger.Running, Reason: assist}:       50,
		{Stack: f, State: ledger.Running, Role: ledger.Spawned}: 30,
		{Stack: f, State: ledger.Blocked}:                       7,
		{Stack: h, State: ledger.Syscall}:                       0,
	}
	entries, guessed := b.ShareOut()
	for _, e := range entries {
		if ns, ok := want[e.Key]; !ok || ns != e.Nanos {
			t.Errorf("%+v: %d ns, want %d", e.Key, e.Nanos, ns)
		}
		delete(want, e.Key)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if guessed != 80 {
		t.Errorf("%d ns are guessed, want 80: what has no sample of its kind", guessed)
	}
}
