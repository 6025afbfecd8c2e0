package format

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// pen writes with or without colour. Bold and faint follow whatever colours
// the terminal has, so they are readable on light and on dark ones; magenta
// is the one of the eight old colours that is.
type pen bool

func (p pen) paint(code, s string) string {
	if !bool(p) || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p pen) bold(s string) string   { return p.paint("1", s) }
func (p pen) faint(s string) string  { return p.paint("2", s) }
func (p pen) accent(s string) string { return p.paint("35", s) }

// grid is a table without lines: columns that keep their distance.
type grid struct {
	w   table.Writer
	gap int
}

// newGrid begins a table whose columns are named by letters: l for
// left-aligned, r for right-aligned.
func newGrid(columns string, gap int) *grid {
	t := table.NewWriter()
	t.SetStyle(table.Style{
		Box: table.BoxStyle{PaddingRight: strings.Repeat(" ", gap)},
		Format: table.FormatOptions{
			Header: text.FormatDefault, HeaderVAlign: text.VAlignBottom,
			Row: text.FormatDefault, Footer: text.FormatDefault,
		},
	})
	t.SuppressTrailingSpaces()
	cfg := make([]table.ColumnConfig, len(columns))
	for i, c := range columns {
		a := text.AlignLeft
		if c == 'r' {
			a = text.AlignRight
		}
		cfg[i] = table.ColumnConfig{Number: i + 1, Align: a, AlignHeader: a}
	}
	t.SetColumnConfigs(cfg)
	return &grid{w: t, gap: gap}
}

func cells(ss []string) table.Row {
	r := make(table.Row, len(ss))
	for i, s := range ss {
		r[i] = s
	}
	return r
}

func (g *grid) header(ss ...string) { g.w.AppendHeader(cells(ss)) }
func (g *grid) row(ss ...string)    { g.w.AppendRow(cells(ss)) }

func (g *grid) String() string {
	var b strings.Builder
	for line := range strings.SplitSeq(g.w.Render(), "\n") {
		// The library trims before the codes that end a colour.
		b.WriteString(strings.TrimRight(line, " "))
		b.WriteByte('\n')
	}
	return b.String()
}
