package format

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/profscope/profscope/internal/ledger"
)

// reportTable is one report on its way to people. A pipe gets all of it, for
// grep and awk. A terminal gets as much as fits into its lines: what tells least
// goes first, and names keep their room.
//
//  1. Numbers are whole, and headers on one line.
//  2. Headers have a line for each word.
//  3. Times have three digits and one unit, so that a line can be read across.
//  4. Columns stand closer.
//  5. Columns are left out, which is said.
type reportTable struct {
	pen
	r    *ledger.Report
	rows [][]ledger.Value
	show []int // columns

	stacked, short bool
	unit           unit // of times, where they are short
	gap            int
	left           []string // names of columns that are left out
}

// expendable are the columns to leave out, first those that tell least.
var expendable = []string{"StdDev", "Med", "Min", "Kind", "Avg", "Unknown", "Runnable", "Syscall", "Self", "Instances", "Max", "Change (%)", "Running", "Blocked"}

func reportTables(w io.Writer, rs []*ledger.Report, o ReportOptions) error {
	p := pen(o.Color)
	for i, r := range rs {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s%s\n\n", p.bold(r.Name), p.faint(" · "+r.Title))
		rows, left := limited(r, o)
		t := &reportTable{pen: p, r: r, rows: rows, show: occurring(r, rows), gap: 2}
		t.fit(o.Width)
		fmt.Fprint(w, t.grid(o.Width))
		notes := slices.Clone(r.Notes)
		if len(t.left) > 0 {
			notes = append(notes, "No room for "+strings.Join(t.left, ", ")+": --format csv has all columns.")
		}
		if left > 0 {
			fmt.Fprintf(w, "%s\n", p.faint(fmt.Sprintf("(%d more: --limit 0 shows all)", left)))
		}
		for _, n := range notes {
			lines := []string{clean(n)}
			if o.Width > 0 {
				lines = wrap(lines[0], o.Width)
			}
			for _, l := range lines {
				fmt.Fprintln(w, p.faint(l))
			}
		}
	}
	return nil
}

// fit takes from the table until a terminal of that width has room for it.
func (t *reportTable) fit(terminal int) {
	if terminal <= 0 || len(t.show) == 0 {
		return
	}
	fits := func() bool { return t.used()+t.named() <= terminal }
	for _, less := range []func(){func() {}, func() { t.stacked = true }, t.shorten, func() { t.gap = 1 }} {
		if less(); fits() {
			return
		}
	}
	for _, name := range expendable {
		for i, c := range t.show[:len(t.show)-1] {
			if have := t.r.Columns[c].Name; have == name || strings.HasPrefix(have, name+" (") {
				t.show = slices.Delete(t.show, i, i+1)
				t.left = append(t.left, name)
				break
			}
		}
		if fits() {
			return
		}
	}
}

// named is the room that the last column should have, which is the name.
func (t *reportTable) named() int {
	last := t.show[len(t.show)-1]
	most := width(t.r.Columns[last].Name)
	for _, row := range t.rows {
		most = max(most, width(shown(t.r.Columns[last].Kind, row[last])))
	}
	return min(most, leastName)
}

// used is the width of all columns but the last.
func (t *reportTable) used() int {
	n := 0
	for _, c := range t.show[:len(t.show)-1] {
		most := headWidth(t.heading(c))
		for _, row := range t.rows {
			most = max(most, width(t.cell(c, row[c])))
		}
		n += most + t.gap
	}
	return n
}

func (t *reportTable) grid(terminal int) *grid {
	columns := ""
	var heads []string
	for _, c := range t.show {
		if t.r.Columns[c].Kind == ledger.Text {
			columns += "l"
		} else {
			columns += "r"
		}
		lines := strings.Split(t.heading(c), "\n")
		for i := range lines {
			lines[i] = t.faint(lines[i]) // each, for others stand between them
		}
		heads = append(heads, strings.Join(lines, "\n"))
	}
	g := newGrid(columns, t.gap)
	g.header(heads...)
	room := max(terminal-t.used(), leastName/2)
	for _, row := range t.rows {
		var line []string
		for i, c := range t.show {
			cell := t.cell(c, row[c])
			if last := i == len(t.show)-1; last && terminal > 0 && t.r.Columns[c].Kind == ledger.Text {
				cell = snip(cell, room)
			}
			line = append(line, cell)
		}
		g.row(line...)
	}
	return g
}

// isShort reports whether the column is of times in the table's unit.
func (t *reportTable) isShort(c int) bool { return t.short && t.r.Columns[c].Kind == ledger.Nanos }

// shorten finds the unit.
func (t *reportTable) shorten() {
	most := 0.0
	for _, row := range t.rows {
		for c, v := range row {
			if t.r.Columns[c].Kind == ledger.Nanos {
				most = max(most, math.Abs(v.Float))
			}
		}
	}
	t.short, t.unit = true, columnUnit(int64(min(most, math.MaxInt64/2)))
}

func (t *reportTable) heading(c int) string {
	name := t.r.Columns[c].Name
	if t.isShort(c) {
		name = strings.Replace(name, "(ns)", "("+t.unit.name+")", 1)
	}
	if t.stacked {
		name = strings.ReplaceAll(name, " ", "\n")
	}
	return name
}

// textRoom bounds texts in a table that must be short; the last column has what
// is left.
const textRoom = 18

func (t *reportTable) cell(c int, v ledger.Value) string {
	kind := t.r.Columns[c].Kind
	if t.isShort(c) && !v.None && math.Abs(v.Float) < math.MaxInt64/2 {
		ns := int64(math.Round(v.Float))
		if ns < 0 {
			return "-" + t.unit.in(-ns)
		}
		return t.unit.in(ns)
	}
	s := shown(kind, v)
	if kind == ledger.Text && t.short && c != t.show[len(t.show)-1] {
		s = cutMiddle(s, textRoom)
	}
	return s
}

// occurring returns the columns that have any value but nothing: a table for
// people does not show a column of zeros.
func occurring(r *ledger.Report, rows [][]ledger.Value) []int {
	var show []int
	for c := range r.Columns {
		if c == len(r.Columns)-1 || slices.ContainsFunc(rows, func(row []ledger.Value) bool {
			v := row[c]
			return !v.None && (v.Text != "" || v.Int != 0 || v.Float != 0)
		}) {
			show = append(show, c)
		}
	}
	return show
}
