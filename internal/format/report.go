package format

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/profscope/profscope/internal/ledger"
)

// ReportFormats are the formats that Reports writes.
var ReportFormats = []string{"table", "csv", "json", "markdown"}

// ReportOptions say how reports are written. The zero value is a table for a
// pipe, with all rows.
type ReportOptions struct {
	Format string // of ReportFormats; "" is table
	Width  int    // of the terminal; 0: lines need no limit
	Color  bool
	Limit  int // rows of each report; 0 is all
}

// ErrReportFormat is the error for a format that is not in ReportFormats.
var ErrReportFormat = errors.New("table, csv, json and markdown work")

// Reports writes tables of figures. JSON is one object, with a list of rows
// under each report's name, keys as the columns are named. CSV has a blank
// line and a line of names between reports.
func Reports(w io.Writer, rs []*ledger.Report, o ReportOptions) error {
	out := &sink{w: w}
	var err error
	switch o.Format {
	case "", "table":
		err = reportTables(out, rs, o)
	case "csv":
		err = reportCSV(out, rs, o)
	case "json":
		err = reportJSON(out, rs, o)
	case "markdown":
		err = reportMarkdown(out, rs, o)
	default:
		return fmt.Errorf("format %q: %w", o.Format, ErrReportFormat)
	}
	if out.err != nil {
		err = out.err
	}
	if err != nil {
		return fmt.Errorf("writing reports: %w", err)
	}
	return nil
}

func limited(r *ledger.Report, o ReportOptions) ([][]ledger.Value, int) {
	if o.Limit > 0 && len(r.Rows) > o.Limit {
		return r.Rows[:o.Limit], len(r.Rows) - o.Limit
	}
	return r.Rows, 0
}

// plain writes a value without a loss, for other programs.
func plain(k ledger.ValueKind, v ledger.Value) string {
	if v.None {
		return ""
	}
	switch k {
	case ledger.Text:
		return v.Text
	case ledger.Count, ledger.Bytes:
		return strconv.FormatInt(v.Int, 10)
	case ledger.Percent:
		return strconv.FormatFloat(v.Float, 'f', 2, 64)
	}
	if v.Float == math.Trunc(v.Float) && math.Abs(v.Float) < 1<<53 {
		return strconv.FormatFloat(v.Float, 'f', 0, 64)
	}
	return strconv.FormatFloat(v.Float, 'f', 1, 64)
}

// shown writes a value for people: thousands apart.
func shown(k ledger.ValueKind, v ledger.Value) string {
	s := plain(k, v)
	if k == ledger.Text {
		return clean(s)
	}
	if v.None {
		return "-"
	}
	if k == ledger.Percent {
		return strconv.FormatFloat(v.Float, 'f', 1, 64)
	}
	whole, rest, _ := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return sign + whole + rest
}

func reportCSV(w io.Writer, rs []*ledger.Report, o ReportOptions) error {
	for i, r := range rs {
		if i > 0 {
			fmt.Fprintln(w)
		}
		c := csv.NewWriter(w)
		var names []string
		for _, col := range r.Columns {
			names = append(names, col.Name)
		}
		_ = c.Write(names)
		rows, _ := limited(r, o)
		for _, row := range rows {
			var line []string
			for j, v := range row {
				line = append(line, plain(r.Columns[j].Kind, v))
			}
			_ = c.Write(line)
		}
		c.Flush()
		if err := c.Error(); err != nil {
			return err
		}
	}
	return nil
}

func reportJSON(w io.Writer, rs []*ledger.Report, o ReportOptions) error {
	// By hand down to the keys: their order is that of the columns.
	var b strings.Builder
	b.WriteString("{")
	for i, r := range rs {
		if i > 0 {
			b.WriteString(",")
		}
		name, _ := json.Marshal(r.Name)
		fmt.Fprintf(&b, "\n  %s: [", name)
		rows, _ := limited(r, o)
		for j, row := range rows {
			if j > 0 {
				b.WriteString(",")
			}
			b.WriteString("\n    {")
			for c, v := range row {
				if c > 0 {
					b.WriteString(", ")
				}
				key, _ := json.Marshal(r.Columns[c].Name)
				b.Write(key)
				b.WriteString(": ")
				b.WriteString(jsonValue(r.Columns[c].Kind, v))
			}
			b.WriteString("}")
		}
		b.WriteString("\n  ]")
	}
	b.WriteString("\n}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func jsonValue(k ledger.ValueKind, v ledger.Value) string {
	switch {
	case v.None:
		return "null"
	case k == ledger.Text:
		s, _ := json.Marshal(v.Text)
		return string(s)
	case k == ledger.Count || k == ledger.Bytes:
		return strconv.FormatInt(v.Int, 10)
	case math.IsNaN(v.Float) || math.IsInf(v.Float, 0):
		return "null"
	}
	return strconv.FormatFloat(v.Float, 'f', -1, 64)
}

func reportMarkdown(w io.Writer, rs []*ledger.Report, o ReportOptions) error {
	escape := strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ")
	for i, r := range rs {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "### %s\n\n", escape.Replace(r.Title))
		head, rule := "|", "|"
		for _, c := range r.Columns {
			head += " " + escape.Replace(c.Name) + " |"
			if c.Kind == ledger.Text {
				rule += " --- |"
			} else {
				rule += " ---: |"
			}
		}
		fmt.Fprintf(w, "%s\n%s\n", head, rule)
		rows, left := limited(r, o)
		for _, row := range rows {
			line := "|"
			for c, v := range row {
				line += " " + escape.Replace(shown(r.Columns[c].Kind, v)) + " |"
			}
			fmt.Fprintln(w, line)
		}
		if left > 0 {
			fmt.Fprintf(w, "\n%d more.\n", left)
		}
		for _, n := range r.Notes {
			fmt.Fprintf(w, "\n%s\n", escape.Replace(n))
		}
	}
	return nil
}
