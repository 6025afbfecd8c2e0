package format

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/google/pprof/profile"

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
			names = append(names, foldedName.Replace(l.Stacks.FrameOf(l.Stacks.Leaf(at)).Func))
		}
		slices.Reverse(names)
		if names == nil {
			names = []string{noStack}
		}
		lines[strings.Join(names, ";")] += sums[id]
	}
	return writeFolded(w, lines)
}

// FoldedProfile writes the values of one sample type of p, by its name; "" is
// the default one. A name that p has not is an error that lists those it has.
func FoldedProfile(w io.Writer, p *profile.Profile, sampleType string) error {
	i, err := SampleIndex(p, sampleType)
	if err != nil {
		return err
	}
	lines := make(map[string]int64)
	for _, s := range p.Sample {
		var names []string
		for j := len(s.Location) - 1; j >= 0; j-- {
			l := s.Location[j]
			for k := len(l.Line) - 1; k >= 0; k-- { // inlined functions: the outermost is last
				if fn := l.Line[k].Function; fn != nil {
					names = append(names, foldedName.Replace(fn.Name))
				}
			}
			if len(l.Line) == 0 {
				names = append(names, fmt.Sprintf("0x%x", l.Address))
			}
		}
		if names == nil {
			names = []string{noStack}
		}
		lines[strings.Join(names, ";")] += s.Value[i]
	}
	return writeFolded(w, lines)
}

func writeFolded(w io.Writer, lines map[string]int64) error {
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

// SampleIndex finds a sample type of p by its name; "" is the default one,
// which is the last where p names none, as pprof has it.
func SampleIndex(p *profile.Profile, name string) (int, error) {
	if len(p.SampleType) == 0 {
		return 0, fmt.Errorf("the profile has no sample types")
	}
	if name == "" {
		name = p.DefaultSampleType
	}
	if name == "" {
		return len(p.SampleType) - 1, nil
	}
	var names []string
	for i, t := range p.SampleType {
		if t.Type == name {
			return i, nil
		}
		names = append(names, t.Type)
	}
	return 0, fmt.Errorf("no sample type %q: the profile has %s", name, strings.Join(names, ", "))
}
