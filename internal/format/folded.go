package format

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/profscope/profscope/internal/ledger"
)

// foldedName makes a name safe for a folded stack. A semicolon would end it
// and a line end the stack: they become \; and \n, and a backslash before
// either, or before another, is doubled. Other tools show the backslashes.
var foldedName = strings.NewReplacer(`\`, `\\`, ";", `\;`, "\n", `\n`, "\r", " ")

// Folded writes l as folded stacks: the functions from the root on, joined by
// semicolons, a space, and the wall time in nanoseconds. Brendan Gregg's
// flamegraph.pl, inferno and speedscope take it.
func Folded(w io.Writer, l *ledger.Ledger) error {
	entries, _ := l.Book.ShareOut()
	sums := make(map[ledger.StackID]int64)
	var order []ledger.StackID
	for _, e := range entries {
		if _, ok := sums[e.Stack]; !ok {
			order = append(order, e.Stack)
		}
		sums[e.Stack] += e.Nanos
	}
	lines := make(map[string]int64, len(order))
	for _, id := range order {
		var names []string
		for at := id; at != 0; at = l.Stacks.Parent(at) {
			names = append(names, l.Stacks.FrameOf(l.Stacks.Leaf(at)).Func)
		}
		slices.Reverse(names)
		lines[FoldedStack(names)] += sums[id]
	}
	return FoldedLines(w, lines)
}

// FoldedStack returns a stack, root first, as it stands in a line.
func FoldedStack(names []string) string {
	if len(names) == 0 {
		return noStack
	}
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString(foldedName.Replace(n))
	}
	return b.String()
}

// FoldedLines writes stacks, each as [FoldedStack] makes it, with their weights.
func FoldedLines(w io.Writer, lines map[string]int64) error {
	stacks := make([]string, 0, len(lines))
	for s, v := range lines {
		if v != 0 {
			stacks = append(stacks, s)
		}
	}
	slices.Sort(stacks)
	out := &sink{w: w}
	bw := bufio.NewWriter(out)
	for _, s := range stacks {
		bw.WriteString(s)
		bw.WriteByte(' ')
		bw.WriteString(strconv.FormatInt(lines[s], 10))
		bw.WriteByte('\n')
	}
	if err := cmp.Or(bw.Flush(), out.err); err != nil {
		return fmt.Errorf("writing folded stacks: %w", err)
	}
	return nil
}
