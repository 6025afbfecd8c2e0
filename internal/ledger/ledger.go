package ledger

import (
	"fmt"
	"time"
)

// SamplePeriod is the time that one CPU sample of the Go runtime stands for:
// its profiling clock runs at 100 Hz.
const SamplePeriod = 10 * time.Millisecond

// Ledger is all that is known of one destination: the sum of its scopes.
type Ledger struct {
	Program string  // the executable's name without folders; "" when not known
	Name    string  // what the user called it, or the scope's function
	Target  string  // where it goes: a file name, "-" or ""
	Stacks  *Stacks // the table of the stacks in Book
	Book    Book

	// Calls counts every Start..stop, recursive ones too; Lengths holds the
	// outermost calls, so Lengths.Count() is the right-hand side of 700/20
	// and Lengths.Sum() the elapsed time of all of them.
	Calls   int64
	Lengths Distribution
	// Kept counts the outermost calls whose time is in Book, KeptCalls all
	// calls within those, and Elapsed is the kept calls' length in
	// nanoseconds. They differ from Lengths.Count, Calls and Lengths.Sum
	// only under SlowerThan. Open calls count in Kept and Elapsed (up to the
	// moment of the snapshot), not in Lengths.
	Kept, KeptCalls int64
	Elapsed         int64
	// Open counts the outermost calls that had not ended.
	Open int64
	// Dropped is the time of the calls that SlowerThan left out of Book,
	// without stacks: Stats counts them too.
	Dropped Book
	// SlowerThan is the threshold for keeping, 0 for none.
	SlowerThan time.Duration

	// Whole says that every goroutine of the process is in, with the role
	// Process, and Elapsed is what passed on the clock meanwhile.
	Whole bool

	// Goroutines counts members per role, over all kept calls.
	Goroutines [NumRoles]int64
	// Inside is the time that members were inside scopes, per role. It is
	// measured at the edges of membership and not by adding up states; that
	// both agree is what Check asserts.
	Inside [NumRoles]int64
	// OutsideWait is how long members were blocked until a goroutine that is
	// no member woke them: a worker pool that did not join shows here.
	OutsideWait int64

	Start time.Time // wall clock at the first scope's start; zero if never
	// Unfinished says that the program, or at least one scope, was still
	// going on when the ledger was taken.
	Unfinished bool
	GoVersion  string
	GOMAXPROCS int
	// Notes are the degraded modes that applied, a sentence each.
	Notes []string
}

// Check returns an error unless every role's states add up to the time its
// members were inside, and self to the elapsed time, exactly.
func (l *Ledger) Check() error {
	t := l.Book.Totals()
	last := Spawned
	if l.Whole {
		last = Process
	}
	for r := Self; r <= last; r++ {
		if got, want := t.Role(r), l.Inside[r]; got != want {
			return fmt.Errorf("ledger of %q: %s states add up to %d ns, members were inside for %d ns", l.Target, r, got, want)
		}
	}
	if !l.Whole && l.Inside[Self] != l.Elapsed {
		return fmt.Errorf("ledger of %q: self was inside for %d ns of %d ns elapsed", l.Target, l.Inside[Self], l.Elapsed)
	}
	return nil
}
