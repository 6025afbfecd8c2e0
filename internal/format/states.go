package format

import (
	"cmp"
	"slices"
	"strings"

	"github.com/profscope/profscope/internal/ledger"
)

// stateLine is time of one state and reason, per role.
type stateLine struct {
	state  ledger.State
	reason string
	nanos  [ledger.NumRoles]int64
	sum    int64
}

// maxReasons bounds the lines of one state: a foreign profile may bring any
// number of reasons. The rest is added up in one line, nothing is dropped.
const maxReasons = 12

// stateOrder is the order of reading: on a CPU, waiting for one, and then
// everything that more CPUs would not help.
var stateOrder = [...]ledger.State{ledger.Running, ledger.Runnable, ledger.Blocked, ledger.Syscall, ledger.Unknown}

func (t *layout) stateLines() []stateLine {
	type key struct {
		state  ledger.State
		reason ledger.ReasonID
	}
	index := make(map[key]int)
	var all []*stateLine // of pointers: see ledger's byKey
	for i := range t.entries {
		e := &t.entries[i]
		if e.Nanos == 0 {
			continue
		}
		k := key{e.State, e.Reason}
		at, ok := index[k]
		if !ok {
			at = len(all)
			index[k] = at
			all = append(all, &stateLine{state: e.State, reason: t.l.Stacks.ReasonOf(e.Reason)})
		}
		all[at].nanos[e.Role] += e.Nanos
		all[at].sum += e.Nanos
	}
	slices.SortFunc(all, func(a, b *stateLine) int {
		return cmp.Or(cmp.Compare(slices.Index(stateOrder[:], a.state), slices.Index(stateOrder[:], b.state)),
			cmp.Compare(b.sum, a.sum), cmp.Compare(a.reason, b.reason))
	})
	var lines []stateLine
	inState := 0
	for i, ln := range all {
		if i > 0 && all[i-1].state != ln.state {
			inState = 0
		}
		if inState++; inState > maxReasons {
			last := &lines[len(lines)-1]
			last.reason = "(all others)"
			for r, ns := range ln.nanos {
				last.nanos[r] += ns
			}
			last.sum += ln.sum
			continue
		}
		lines = append(lines, *ln)
	}
	return lines
}

// roleColumn is what a role takes of the table of states.
type roleColumn struct {
	role  ledger.Role
	total int64
	unit  unit
	split bool // header in two lines, for narrow terminals
}

// roles returns how many roles have time.
func (t *layout) roles() int {
	n := 0
	for r := range t.totals {
		if t.totals.Role(ledger.Role(r)) > 0 {
			n++
		}
	}
	return n
}

func (t *layout) states() {
	lines := t.stateLines()
	var roles []roleColumn
	for r := range ledger.Role(ledger.NumRoles) {
		if ns := t.totals.Role(r); ns > 0 {
			roles = append(roles, roleColumn{role: r, total: ns, unit: columnUnit(ns)})
		}
	}

	// What bars leave over: state 8, a gap of 2 after each column, and for
	// each role its time (its header being the widest) and a share of 5.
	// Reasons go before bars, down to reasonMin; the first role's bar goes
	// before the others'.
	const gap, share, barMax, barMin, reasonMin = 2, 5, 20, 8, 18
	reasons := 0
	for i := range lines {
		reasons = max(reasons, width(clean(lines[i].reason)))
	}
	bars, bar := len(roles), barMax
	if t.Width > 0 {
		room := t.Width - len("runnable") - gap - rolesWidth(roles, gap+share+gap)
		if room-gap < min(reasons, reasonMin) {
			for i := range roles {
				roles[i].split = true
			}
			room = t.Width - len("runnable") - gap - rolesWidth(roles, gap+share+gap)
		}
		reasons = min(reasons, max(room-gap-len(roles)*(gap+barMin), min(reasonMin, room-gap), 1))
		room -= reasons + gap
		if room/bars-gap < barMin {
			bars = 1
		}
		bar = min(room/bars-gap, barMax)
		if bar < barMin {
			bars = 0
		}
	}

	columns, head := "ll", []string{"", ""}
	for i, c := range roles {
		columns += "rr"
		head = append(head, t.eachLine(c.header()), t.faint("%"))
		if i < bars {
			columns += "l"
			head = append(head, "")
		}
	}
	g := newGrid(columns, gap)
	g.header(head...)

	var largest int64
	for i := range lines {
		largest = max(largest, lines[i].nanos[roles[0].role])
	}
	for i, ln := range lines {
		name, style := ln.state.String(), func(s string) string { return s }
		main := ln.nanos[roles[0].role] == largest
		switch {
		case main:
			style = t.bold
		case t.Width > 0 && i > 0 && lines[i-1].state == ln.state && ln.reason != "":
			name = "" // without a reason either, the line would say nothing
		}
		row := []string{style(name), style(snip(clean(ln.reason), reasons))}
		for i, c := range roles {
			ns := ln.nanos[c.role]
			if ns == 0 {
				row = append(row, t.faint("."), t.faint("."))
			} else {
				row = append(row, style(c.unit.in(ns)), style(percent(ns, c.total)))
			}
			if i < bars {
				row = append(row, t.accent(drawBar(ns, c.total, bar)))
			}
		}
		g.row(row...)
	}
	sum := []string{t.faint("total"), ""}
	for i, c := range roles {
		sum = append(sum, c.unit.in(c.total), t.faint("100"))
		if i < bars {
			sum = append(sum, "")
		}
	}
	g.row(sum...)
	t.b.WriteString("\n" + g.String())
}

func (c roleColumn) header() string {
	if c.split {
		return c.role.String() + "\n" + c.unit.name
	}
	return c.role.String() + " " + c.unit.name
}

func rolesWidth(roles []roleColumn, each int) int {
	w := 0
	for _, c := range roles {
		w += max(headWidth(c.header()), len("99.99")) + each
	}
	return w
}

// drawBar draws part of whole to an eighth of a column; all of it is w
// columns. Whatever is not nothing can be seen.
func drawBar(part, whole int64, w int) string {
	const eighths = "▏▎▍▌▋▊▉█"
	n := int(float64(part)/float64(whole)*float64(8*w) + 0.5)
	if n == 0 && part > 0 {
		n = 1
	}
	s := strings.Repeat("█", n/8)
	if n%8 > 0 {
		s += string([]rune(eighths)[n%8-1])
	}
	return s
}
