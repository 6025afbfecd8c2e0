package format

import (
	"fmt"
	"strings"

	"github.com/profscope/profscope/internal/ledger"
)

// stateHeads are the states' columns in the list of functions: the words
// themselves, and in two lines where the terminal is narrow.
var stateHeads = [ledger.NumStates][2]string{
	ledger.Running:  {"running", "runn-\ning"},
	ledger.Runnable: {"runnable", "runn-\nable"},
	ledger.Blocked:  {"blocked", "block-\ned"},
	ledger.Syscall:  {"syscall", "sys-\ncall"},
	ledger.Unknown:  {"unknown", "un-\nknown"},
}

// functions writes the list by cumulative time. All its times have one unit,
// so that a line can be read across too.
func (t *layout) functions() {
	fs := sumFunctions(t.l.Stacks, t.entries)
	u := columnUnit(t.total)

	var states []ledger.State
	for _, s := range stateOrder {
		for r := range t.totals {
			if t.totals[r][s] > 0 {
				states = append(states, s)
				break
			}
		}
	}
	gap, form := 2, 0
	if t.Width > 0 && t.Width < narrow {
		gap, form = 1, 1
	}
	shown := fs[:min(len(fs), t.Rows)]
	head := []string{"flat", "flat%", "cum", "cum%"}
	if form > 0 {
		head = []string{"flat", "%", "cum", "%"}
	}
	for _, s := range states {
		head = append(head, stateHeads[s][form])
	}
	rows := make([][]string, len(shown))
	for i, f := range shown {
		flat := f.flat.sum()
		rows[i] = []string{u.in(flat), percent(flat, t.total), u.in(f.wall), percent(f.wall, t.total)}
		for _, s := range states {
			rows[i] = append(rows[i], u.in(f.cum[s]))
		}
	}
	room := 0
	if t.Width > 0 {
		room = t.Width
		for c := range head {
			w := headWidth(head[c])
			for _, r := range rows {
				w = max(w, width(r[c]))
			}
			room -= w + gap
		}
		// A terminal too narrow for the numbers still gets names.
		room = max(room-1, leastName/2)
	}

	g := newGrid(strings.Repeat("r", len(head))+"l", gap)
	for c := range head {
		head[c] = t.eachLine(head[c])
	}
	g.header(append(head, t.faint(" function"))...)
	for i, f := range shown {
		r := rows[i]
		t.emphasize(r, f, states)
		line := f.at.StartLine
		if line <= 0 && t.StartLine != nil {
			line = t.StartLine(f.at)
		}
		name, pos := f.fit(room, line)
		if 10*f.flat.sum() >= t.total {
			name = t.bold(name)
		}
		if pos != "" {
			name += "  " + t.faint(pos)
		}
		g.row(append(r, " "+name)...)
	}
	title := "Functions by cumulative time, " + u.name
	if t.roles() > 1 {
		title = "Functions by cumulative time of all goroutines together, " + u.name
	}
	if len(states) > 1 {
		title += "; then cum by state"
	}
	t.b.WriteByte('\n')
	t.line(title)
	t.b.WriteString(g.String())
	if n := len(fs) - len(shown); n > 0 {
		t.b.WriteString(t.faint(fmt.Sprintf("... and %d more, none above %s %s", n, u.in(fs[len(shown)].wall), u.name)) + "\n")
	}
}

// emphasize makes bold where a function's own time is a tenth of everything,
// and the state that most of its cumulative time went into; zeros step back.
func (t *layout) emphasize(r []string, f *function, states []ledger.State) {
	if 10*f.flat.sum() >= t.total {
		r[0], r[1] = t.bold(r[0]), t.bold(r[1])
	}
	for i, s := range states {
		if len(states) > 1 && 2*f.cum[s] > f.wall {
			r[4+i] = t.bold(r[4+i])
		}
	}
	for i, c := range r {
		if c == "." {
			r[i] = t.faint(c)
		}
	}
}

func headWidth(s string) int {
	w := 0
	for l := range strings.SplitSeq(s, "\n") {
		w = max(w, width(l))
	}
	return w
}

// eachLine makes the lines of a header faint one by one: an escape sequence
// must not span the padding between columns.
func (t *layout) eachLine(s string) string {
	ls := strings.Split(s, "\n")
	for i := range ls {
		ls[i] = t.faint(ls[i])
	}
	return strings.Join(ls, "\n")
}
