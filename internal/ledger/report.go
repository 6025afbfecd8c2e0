package ledger

import (
	"cmp"
	"slices"
)

// Report is a named table of figures about one or several files: what
// `profscope stats` prints. It knows values and their kinds; how they look is
// the business of who shows it.
type Report struct {
	Name    string // as --report takes it
	Title   string // a line for people
	Columns []Column
	Rows    [][]Value
	Notes   []string // what a reader must know of the figures, a sentence each
}

// Column is a column of a [Report].
type Column struct {
	Name string // as shown; also the key in JSON
	Kind ValueKind
}

// ValueKind tells what a column's values are, and so which field of [Value]
// holds them and how they are shown.
type ValueKind uint8

const (
	Text    ValueKind = iota // Value.Text
	Count                    // Value.Int
	Nanos                    // Value.Float, nanoseconds; exact ones are integers
	Percent                  // Value.Float, of 100
	Number                   // Value.Float
	Bytes                    // Value.Int
)

// Value is one cell. None says that the cell has no value, which is not 0.
type Value struct {
	Text  string
	Int   int64
	Float float64
	None  bool
}

// SummaryColumns are the columns of Nsight Systems' statistics, by its names.
var SummaryColumns = []Column{
	{"Time (%)", Percent}, {"Total Time (ns)", Nanos}, {"Instances", Count},
	{"Avg (ns)", Nanos}, {"Med (ns)", Nanos}, {"Min (ns)", Nanos}, {"Max (ns)", Nanos}, {"StdDev (ns)", Nanos},
	{"Name", Text},
}

// Named is a [Summary] under its name, with the values of the columns that a
// report has beyond [SummaryColumns].
type Named struct {
	Name  string
	Sum   *Summary
	Extra []Value
}

// SummaryReport returns the report of rows, the largest total first: the
// columns of [SummaryColumns] with extra ones before Name, so that long names
// stand last.
func SummaryReport(name, title string, rows []Named, extra ...Column) *Report {
	r := &Report{Name: name, Title: title}
	last := len(SummaryColumns) - 1
	r.Columns = append(r.Columns, SummaryColumns[:last]...)
	r.Columns = append(r.Columns, extra...)
	r.Columns = append(r.Columns, SummaryColumns[last])
	var all int64
	for _, n := range rows {
		all += n.Sum.Total()
	}
	rows = slices.SortedStableFunc(slices.Values(rows), func(a, b Named) int {
		return cmp.Or(cmp.Compare(b.Sum.Total(), a.Sum.Total()), cmp.Compare(a.Name, b.Name))
	})
	for _, n := range rows {
		f := n.Sum.Figures()
		share := 0.0
		if all > 0 {
			share = 100 * float64(f.Total) / float64(all)
		}
		row := []Value{{Float: share}, {Float: float64(f.Total)}, {Int: f.Count},
			{Float: f.Mean}, {Float: f.Median}, {Float: float64(f.Min)}, {Float: float64(f.Max)}, {Float: f.StdDev}}
		row = append(row, n.Extra...)
		r.Rows = append(r.Rows, append(row, Value{Text: n.Name}))
	}
	return r
}
