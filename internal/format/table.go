package format

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/profscope/profscope/internal/ledger"
)

// TableOptions say how a table is laid out. The zero value suits a pipe or a
// file.
type TableOptions struct {
	// Width is the number of columns of the terminal. 0 is no terminal: names
	// stay whole, and each line says all it belongs to, for grep and awk.
	Width int
	// Color adds escape sequences for bold, faint and one colour.
	Color bool
	// Rows is the number of functions listed, 0 for 30.
	Rows int
	// StartLine, if set, finds where a function begins whose frames do not
	// tell; 0 is not known.
	StartLine func(ledger.Frame) int64
	// FileHint is a file that go tool pprof opens and that shows the same.
	FileHint string
	// Source is, of a ledger that is Whole, the file that it was made of, by
	// a name at which a command finds it; "" if there is none.
	Source string
}

const (
	defaultRows = 30
	// narrow is the width under which the list of functions gets headers of
	// two lines: with whole words side by side no room is left for names.
	narrow = 110
	// prose is the width of sentences where no terminal gives one.
	prose = 100
)

// Table writes l for people, in UTF-8: first calls, elapsed time and the
// calls' distribution; then time per state and reason, a column for each role
// that occurs; then functions by cumulative time; then how far to trust it.
//
// Sums are made of exact nanoseconds and rounded only when written. Tables of
// numbers are at most o.Width columns wide, down to 80 (60 where one or two
// roles occur); commands at the end are never broken. The error is the writer's first one.
func Table(w io.Writer, l *ledger.Ledger, o TableOptions) error {
	if o.Rows <= 0 {
		o.Rows = defaultRows
	}
	entries, guessed := l.Book.ShareOut()
	t := &layout{
		TableOptions: o,
		pen:          pen(o.Color),
		l:            l,
		entries:      entries,
		est:          sampled(l.Stacks, entries, guessed),
		totals:       l.Book.Totals(),
	}
	for r := range t.totals {
		t.total += t.totals.Role(ledger.Role(r))
	}
	t.head()
	if t.total > 0 {
		t.states()
		t.functions()
	}
	t.foot()

	s := &sink{w: w}
	io.WriteString(s, t.b.String())
	if s.err != nil {
		return fmt.Errorf("writing table: %w", s.err)
	}
	return nil
}

// layout is one table being written.
type layout struct {
	TableOptions
	pen
	l       *ledger.Ledger
	entries []ledger.Entry
	est     estimate
	totals  ledger.Totals
	total   int64 // over all roles and states
	b       strings.Builder
}

// line writes a sentence, broken between words at the terminal's width.
func (t *layout) line(s string) {
	w := t.Width
	if w <= 0 || w > prose {
		w = max(prose, t.Width*2/3)
	}
	for _, l := range wrap(s, w) {
		t.b.WriteString(l + "\n")
	}
}

func (t *layout) head() {
	l := t.l
	name := cmp.Or(clean(l.Name), clean(l.Target), "scope") // the trace may not have shown its begin
	if t.Width > 0 {
		name = cutMiddle(name, t.Width)
	}
	t.b.WriteString(t.bold(name) + "\n")

	calls := callCount(l) + " calls"
	if l.Calls == 1 {
		calls = "1 call"
	}
	if l.Calls != l.Lengths.Count()+l.Open {
		calls += " (all/outermost)"
	}
	first := []string{calls}
	if l.SlowerThan > 0 {
		first = append(first, "kept "+keptCount(l))
	}
	if l.Elapsed > 0 {
		first = append(first, duration(l.Elapsed)+" elapsed")
	}
	for r := ledger.Joined; int(r) < ledger.NumRoles; r++ {
		if n := l.Goroutines[r]; n > 0 {
			first = append(first, goroutines(n, r))
		}
	}
	t.line(strings.Join(first, ", "))

	if d := &l.Lengths; d.Count() > 1 {
		s, unit := "each call:", ""
		for _, v := range []struct {
			name  string
			nanos int64
		}{
			{"mean", d.Mean()}, {"p50", d.Percentile(50)}, {"p95", d.Percentile(95)},
			{"p99", d.Percentile(99)}, {"max", d.Max()}, {"stddev", d.StdDev()},
		} {
			// A unit stands until the next: calls of a hot function last
			// nanoseconds, and the longest of them milliseconds.
			n, u, _ := strings.Cut(duration(v.nanos), " ")
			s += "  " + v.name + " " + n
			if u != unit {
				s += " " + u
			}
			unit = u
		}
		t.line(s)
	}
	if s := unfinished(l); s != "" {
		t.line("Unfinished: " + s + ".")
	}
}

func goroutines(n int64, r ledger.Role) string {
	s := "goroutines"
	if n == 1 {
		s = "goroutine"
	}
	switch r {
	case ledger.Process:
		return fmt.Sprintf("%d %s of the whole process", n, s)
	default:
		return fmt.Sprintf("%d %s %s", n, r, s)
	}
}

func (t *layout) foot() {
	l := t.l
	t.b.WriteByte('\n')
	if l.OutsideWait > 0 {
		t.line(fmt.Sprintf("Members waited %s for goroutines outside the scope: their work is not in here (see context.Join).", duration(l.OutsideWait)))
	}
	switch {
	case t.total > 0:
		t.line(t.est.sentence(l))
	case l.SlowerThan > 0 && l.Calls > 0:
		t.line("No call lasted long enough to be kept.")
	default:
		t.line("No time was recorded.")
	}
	for _, n := range l.Notes {
		t.line(clean(n))
	}
	if l.GoVersion != "" {
		s := clean(l.GoVersion)
		if l.GOMAXPROCS > 0 {
			s += fmt.Sprintf(", GOMAXPROCS %d", l.GOMAXPROCS)
		}
		if !l.Start.IsZero() {
			s += ", started " + l.Start.UTC().Format(time.DateTime) + " UTC"
		}
		t.b.WriteString(t.faint(s) + "\n")
	}
	const command = "go tool pprof -http=: "
	if t.FileHint != "" {
		t.b.WriteString(command + shellWord(t.FileHint) + "\n")
		return
	}
	name, how := "scope.prof", "For a flame graph give the scope a file name, say scope.prof, and open that:"
	if l.Target != "" && l.Target != "-" {
		name = filepath.Base(l.Target)
		name = strings.TrimSuffix(name, filepath.Ext(name)) + ".prof"
		how = "For a flame graph write a profile too, by the option Also(" + strconv.Quote(name) + "), and open that:"
	}
	if l.Whole {
		// No option of the library is of use here. Without a source the one
		// who wrote this could have written a profile as well.
		if t.Source == "" {
			t.line("For a flame graph have a profile written instead, to a name that ends in .prof, and open that with go tool pprof.")
			return
		}
		name = profileOf(t.Source)
		how = "For a flame graph make a profile of the trace, and open that:"
	}
	t.line(how)
	if l.Whole {
		t.b.WriteString("profscope convert " + shellWord(t.Source) + " " + shellWord(name) + "\n")
	}
	t.b.WriteString(command + shellWord(name) + "\n")
}

// profileOf is a name for the profile that is made of a trace, in the working
// folder.
func profileOf(trace string) string {
	base := filepath.Base(trace)
	name := strings.TrimSuffix(strings.TrimSuffix(base, ".gz"), ".zst")
	name = strings.TrimSuffix(name, filepath.Ext(name)) + ".prof"
	if name == base {
		return base + ".prof"
	}
	return name
}
