package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/profscope/profscope/internal/ledger"
)

func tableOf(t testing.TB, l *ledger.Ledger, o TableOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := Table(&b, l, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTableGolden(t *testing.T) {
	for name, l := range samplesOf() {
		for _, o := range []TableOptions{{}, {Width: 80, FileHint: name + " file.prof"}, {Width: 200}, {Width: 120, Color: true, Rows: 3}} {
			t.Run(fmt.Sprint(name, o.Width), func(t *testing.T) {
				golden(t, fmt.Sprintf("%s.%d.golden", name, o.Width), []byte(tableOf(t, l, o)))
			})
		}
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9]*m")

func TestTableWidth(t *testing.T) {
	t.Parallel()
	for name, l := range samplesOf() {
		for w := 60; w <= 240; w += 7 {
			if name == "everything" && w < 80 {
				continue // four roles
			}
			out := tableOf(t, l, TableOptions{Width: w, FileHint: "x"})
			for line := range strings.Lines(out) {
				if got := width(strings.TrimSuffix(line, "\n")); got > w {
					t.Errorf("%s: %d columns of %d: %q", name, got, w, line)
				}
				if strings.HasSuffix(line, " \n") {
					t.Errorf("%s: blanks at the end of %q", name, line)
				}
			}
			colored := tableOf(t, l, TableOptions{Width: w, FileHint: "x", Color: true})
			if escapes.ReplaceAllString(colored, "") != out {
				t.Errorf("%s at %d columns: colour changes the layout", name, w)
			}
		}
	}
}

// TestTableHint: what is proposed for a flame graph can be done, whatever the
// table was made of.
func TestTableHint(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		whole bool
		o     TableOptions
		want  string
	}{
		{false, TableOptions{}, "open that:\ngo tool pprof -http=: test.prof\n"},
		{true, TableOptions{}, "have a profile written instead, to a name that ends in .prof, and open that with\ngo tool pprof.\n"},
		{true, TableOptions{FileHint: "beside.prof", Source: "x.trace"}, "\ngo tool pprof -http=: beside.prof\n"},
		{true, TableOptions{Source: "a b/x.trace"}, "of the trace, and open that:\nprofscope convert 'a b/x.trace' x.prof\ngo tool pprof -http=: x.prof\n"},
		{true, TableOptions{Source: "x.trace.gz"}, "\nprofscope convert x.trace.gz x.prof\n"},
		{true, TableOptions{Source: "x"}, "\nprofscope convert x x.prof\n"},
		{true, TableOptions{Source: "x.prof"}, "\nprofscope convert x.prof x.prof.prof\n"}, // not itself
	} {
		l := *guessedOnly()
		l.Whole = c.whole
		if got := tableOf(t, &l, c.o); !strings.Contains(got, c.want) {
			t.Errorf("%+v: lacks %q:\n%s", c.o, c.want, got[strings.LastIndex(got, "\n\n"):])
		}
	}
}

func TestTableWriterFails(t *testing.T) {
	t.Parallel()
	l := guessedOnly()
	for n := range len(tableOf(t, l, TableOptions{})) {
		if err := Table(&brittle{left: n}, l, TableOptions{}); !errors.Is(err, errFull) {
			t.Fatalf("writer full after %d bytes: %v", n, err)
		}
		if err := Table(&brittle{left: n, short: true}, l, TableOptions{}); !errors.Is(err, io.ErrShortWrite) {
			t.Fatalf("writer short after %d bytes: %v", n, err)
		}
	}
}

// No line of the table of states is lost and none counted twice.
func TestStateLinesConservation(t *testing.T) {
	t.Parallel()
	for name, l := range samplesOf() {
		entries, _ := l.Book.ShareOut()
		lt := &layout{l: l, entries: entries}
		var got, want [ledger.NumRoles]int64
		for _, ln := range lt.stateLines() {
			for r, ns := range ln.nanos {
				got[r] += ns
			}
		}
		totals := l.Book.Totals()
		for r := range want {
			want[r] = totals.Role(ledger.Role(r))
		}
		if got != want {
			t.Errorf("%s: lines add up to %v, want %v", name, got, want)
		}
	}
}

func TestSumFunctions(t *testing.T) {
	t.Parallel()
	b := newBuilder("x")
	b.book(ledger.Self, ledger.Running, "", b.stack("main f", "rec f", "rec f", "rec f"), 100, 1, 1)
	b.book(ledger.Self, ledger.Blocked, "sync", b.stack("main f", "rec f", "lock f"), 30, 0, 1)
	b.book(ledger.Spawned, ledger.Blocked, "sync", b.stack("main f", "rec f", "lock f"), 7, 0, 1)
	entries, _ := b.l.Book.ShareOut()
	var got []string
	for _, f := range sumFunctions(b.l.Stacks, entries) {
		got = append(got, fmt.Sprintf("%s flat %d cum %d running %d blocked %d", f.name, f.flat.sum(), f.wall, f.cum[ledger.Running], f.cum[ledger.Blocked]))
	}
	want := []string{
		"main flat 0 cum 137 running 100 blocked 37",
		"rec flat 100 cum 137 running 100 blocked 37",
		"lock flat 37 cum 37 running 0 blocked 37",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// However deep recursion goes, flat times add up to the total and no function
// has more than it.
func TestSumFunctionsRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		l := random(seed, 300, 30)
		entries, _ := l.Book.ShareOut()
		var total, flat int64
		for _, e := range entries {
			total += e.Nanos
		}
		for _, f := range sumFunctions(l.Stacks, entries) {
			flat += f.flat.sum()
			if f.wall > total || f.flat.sum() > f.wall {
				t.Errorf("seed %d: %s flat %d cum %d of %d", seed, f.name, f.flat.sum(), f.wall, total)
			}
		}
		if flat != total {
			t.Errorf("seed %d: flat times add up to %d of %d", seed, flat, total)
		}
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ns   int64
		most int64
		want string
		why  string
	}{
		{0, ms, ".", "nothing is a point"},
		{612 * ms, 612 * ms, "612 ms", ""},
		{96_213_441, 612 * ms, "96.2 ms", "three digits"},
		{1_404_000, 612 * ms, "1.40 ms", ""},
		{99_970_000, 612 * ms, "100 ms", "digits count after rounding"},
		{99_720_000, 612 * ms, "99.7 ms", "three digits, and not all of a hundred"},
		{9_996_000, 612 * ms, "10.0 ms", "the same one digit earlier"},
		{31_000, 612 * ms, "0.03 ms", "no more than a hundredth"},
		{4_900, 612 * ms, "<0.01 ms", "and not nothing"},
		{9_999 * ms, 9_999 * ms, "9999 ms", "four digits rather than a coarser unit for the others"},
		{12_345 * ms, 12_345 * ms, "12.3 s", ""},
		{40 * 3600 * 1000 * ms, 40 * 3600 * 1000 * ms, "40.0 h", ""},
		{7, 9, "7 ns", ""},
		{math.MaxInt64, math.MaxInt64, "2562048 h", "no overflow"},
	} {
		u := columnUnit(c.most)
		got := u.in(c.ns)
		if c.ns != 0 {
			got += " " + u.name
		}
		if got != c.want {
			t.Errorf("%d in a column up to %d: %q, want %q %s", c.ns, c.most, got, c.want, c.why)
		}
	}
	for ns, want := range map[int64]string{0: "0 s", 1: "1 ns", 999: "999 ns", 999_999: "1.00 ms", 1_500 * ms: "1.50 s", 13_512: "13.5 µs", 3600e9: "3600 s", 36000e9: "10.0 h"} {
		if got := duration(ns); got != want {
			t.Errorf("duration(%d) = %q, want %q", ns, got, want)
		}
	}
	for _, c := range [][3]any{{int64(0), int64(5), "."}, {int64(5), int64(5), "100"}, {int64(494), int64(1000), "49.4"}, {int64(9_972), int64(10_000), "99.7"}, {int64(99_999), int64(100_000), "100"}, {int64(1), int64(100_000), "<0.1"}, {int64(12), int64(1000), "1.2"}} {
		if got := percent(c[0].(int64), c[1].(int64)); got != c[2] {
			t.Errorf("percent(%v, %v) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

// Values from Wilson's formula as worked out by R's prop.test(correct=FALSE).
func TestWilson(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ p, n, lo, hi float64 }{
		{0.6, 50, 0.4618, 0.7239}, {0, 10, 0, 0.2775}, {1, 1, 0.2065, 1}, {0.5, 0, 0, 1},
	} {
		lo, hi := wilson(c.p, c.n)
		if math.Abs(lo-c.lo) > 1e-4 || math.Abs(hi-c.hi) > 1e-4 {
			t.Errorf("wilson(%v, %v) = %.4f, %.4f, want %.4f, %.4f", c.p, c.n, lo, hi, c.lo, c.hi)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"main.main": "main.main",
		"example.com/a/b.(*T[example.com/c/d.E]).M.func1":   "b.(*T[d.E]).M.func1",
		"example.com/a/b.F[go.shape.int,example.com/x/y.Z]": "b.F[go.shape.int,y.Z]",
		"": "",
	} {
		if got := shortName(in); got != want {
			t.Errorf("shortName(%q) = %q, want %q", in, got, want)
		}
	}
	for w := range 30 {
		for _, s := range []string{"main.計算計算計算計算計算", strings.Repeat("abc", 70), "", "é"} {
			if got := cutMiddle(s, w); width(got) > w {
				t.Errorf("cutMiddle(%q, %d) = %q of %d columns", s, w, got, width(got))
			}
		}
	}
	for in, want := range map[string]string{"a_1.prof": "a_1.prof", "my file": "'my file'", "it's": `'it'\''s'`, "": "''", "a\nb": "'a?b'", `C:\x`: `'C:\x'`} {
		if got := shellWord(in); got != want {
			t.Errorf("shellWord(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestGuessedSentence(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"guessed":    "only guessed: no CPU sample",
		"typical":    "from 50 samples: runtime.mapaccess2_faststr's 59% of the running time means 45 to 72%",
		"one_sample": "from 1 sample: main.once's 100%",
		"empty":      "No time was recorded.",
	} {
		if out := tableOf(t, samplesOf()[name], TableOptions{Width: 400}); !strings.Contains(out, want) {
			t.Errorf("%s lacks %q:\n%s", name, want, out)
		}
	}
}

func BenchmarkTable(b *testing.B) {
	l := random(7, 50_000, 80)
	b.ReportAllocs()
	for b.Loop() {
		if err := Table(io.Discard, l, TableOptions{Width: 80}); err != nil {
			b.Fatal(err)
		}
	}
}

// On a terminal a state is named once; a line without a reason would be blank.
func TestStatesAreNamed(t *testing.T) {
	t.Parallel()
	b := newBuilder("x")
	b.book(ledger.Self, ledger.Running, "", b.stack("main f"), 900, 1, 1)
	b.book(ledger.Self, ledger.Runnable, "preempted", b.stack("main f"), 70, 0, 1)
	b.book(ledger.Self, ledger.Runnable, "", b.stack("main f"), 30, 0, 1)
	out := tableOf(t, b.l, TableOptions{Width: 80})
	for _, want := range []string{`(?m)^runnable +preempted +70 `, `(?m)^runnable +30 `} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}

func TestTableOfNothingKept(t *testing.T) {
	t.Parallel()
	l := &ledger.Ledger{Name: "x", Stacks: ledger.NewStacks(), Calls: 3, SlowerThan: 1e9}
	for range 3 {
		l.Lengths.Record(5)
	}
	if out := tableOf(t, l, TableOptions{}); !strings.Contains(out, "kept 0 of 3 outermost calls") || !strings.Contains(out, "No call lasted long enough to be kept.") {
		t.Errorf("not told:\n%s", out)
	}
}
