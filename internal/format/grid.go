package format

import "strings"

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
//
// The road not taken: github.com/jedib0t/go-pretty/v6/table draws this and much
// more, and adds 650 KB to a stripped binary that may grow by 2.5 MB in all;
// text/tabwriter aligns all columns alike and counts runes, not columns of the
// terminal.
type grid struct {
	right []bool // by column
	gap   int
	rows  [][]string
}

// newGrid begins a table whose columns are named by letters: l for
// left-aligned, r for right-aligned.
func newGrid(columns string, gap int) *grid {
	g := &grid{gap: gap}
	for _, c := range columns {
		g.right = append(g.right, c == 'r')
	}
	return g
}

// header adds the names of the columns; those of several lines end on the
// same one.
func (g *grid) header(ss ...string) {
	height := 0
	for _, s := range ss {
		height = max(height, 1+strings.Count(s, "\n"))
	}
	for line := range height {
		row := make([]string, len(ss))
		for i, s := range ss {
			parts := strings.Split(s, "\n")
			if at := line - (height - len(parts)); at >= 0 {
				row[i] = parts[at]
			}
		}
		g.row(row...)
	}
}

func (g *grid) row(ss ...string) { g.rows = append(g.rows, ss) }

func (g *grid) String() string {
	widths := make([]int, len(g.right))
	for _, row := range g.rows {
		for i, s := range row {
			widths[i] = max(widths[i], width(s))
		}
	}
	var b, line strings.Builder
	for _, row := range g.rows {
		line.Reset()
		for i, s := range row {
			if i > 0 {
				line.WriteString(strings.Repeat(" ", g.gap))
			}
			pad := strings.Repeat(" ", widths[i]-width(s))
			if g.right[i] {
				line.WriteString(pad + s)
			} else {
				line.WriteString(s + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}
