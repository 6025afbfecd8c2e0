package format

import (
	"strings"
	"testing"

	"github.com/profscope/profscope/internal/ledger"
)

// widest is a report with all columns that one has, and names longer than a
// terminal.
func widest() *ledger.Report {
	var sum ledger.Summary
	for _, ns := range []int64{1, 270_527_424, 33_271_069_888} {
		sum.Add(ns)
	}
	nanos := func(name string) ledger.Column { return ledger.Column{Name: name + " (ns)", Kind: ledger.Nanos} }
	extra := []ledger.Value{{Float: 27e10}, {Float: -691456}, {Float: 5}, {Float: 1e9}, {Float: 1}, {Text: "sync.(*Cond).Wait or longer"}}
	var rows []ledger.Named
	for _, name := range []string{"example.com/shop/" + strings.Repeat("deep/", 20) + "store.(*Shelf).Put", "main"} {
		rows = append(rows, ledger.Named{Name: name, Sum: &sum, Extra: extra})
	}
	r := ledger.SummaryReport("scopes", "Scopes", rows, nanos("Running"), nanos("Runnable"), nanos("Blocked"), nanos("Syscall"), nanos("Unknown"),
		ledger.Column{Name: "Reason", Kind: ledger.Text})
	r.Notes = []string{strings.Repeat("A note of many words. ", 9)}
	return r
}

// TestReportsFit: no line of a terminal is longer than it, what is left out for
// that is told, and nothing is changed where there is room.
func TestReportsFit(t *testing.T) {
	t.Parallel()
	write := func(width int) string {
		var b strings.Builder
		if err := Reports(&b, []*ledger.Report{widest()}, ReportOptions{Width: width}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for w := 80; w <= 400; w++ {
		out := write(w)
		for line := range strings.Lines(out) {
			if n := width(strings.TrimSuffix(line, "\n")); n > w {
				t.Fatalf("%d columns on a terminal of %d:\n%s", n, w, out)
			}
		}
		for _, c := range widest().Columns {
			name, _, _ := strings.Cut(c.Name, " (")
			if !strings.Contains(strings.Join(strings.Fields(out), " "), strings.Fields(name)[0]) {
				t.Errorf("on %d columns nothing tells of %s", w, name)
			}
		}
	}
	for _, tt := range []struct {
		width int
		has   []string
		lacks []string
	}{
		{80, []string{"No room for StdDev, Med", "  (s)", " 33.5 ", "main\n"}, []string{"(ns)"}},
		{140, []string{"(s)", " 33.5 ", "StdDev"}, []string{"No room", "(ns)"}},
		{300, []string{"Total Time (ns)", " 33,541,597,313 ", "Reason"}, []string{"No room", "(s)"}},
		{0, []string{"Total Time (ns)", strings.Repeat("deep/", 20), "sync.(*Cond).Wait or longer"}, []string{"No room"}},
	} {
		out := write(tt.width)
		for _, want := range tt.has {
			if !strings.Contains(out, want) {
				t.Errorf("%d columns: no %q in\n%s", tt.width, want, out)
			}
		}
		for _, not := range tt.lacks {
			if strings.Contains(out, not) {
				t.Errorf("%d columns: %q in\n%s", tt.width, not, out)
			}
		}
	}
}
