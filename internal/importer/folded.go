package importer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/google/pprof/profile"
)

const maxFoldedLine = 16 << 20

// FoldedValue is the sample type of folded stacks: the format has no unit, and
// what stackcollapse scripts count others measure.
const FoldedValue = "value"

// Folded reads folded stacks, as Brendan Gregg's stackcollapse scripts,
// inferno and py-spy write them: a line a stack, its functions from the root
// on joined by semicolons, a space, and a weight. A fraction is rounded. A
// line that begins with # is a comment.
//
// In names, \; stands for a semicolon, \n for a line end and \\ for a
// backslash, as the encoder of this project writes them; a backslash before
// anything else is itself.
func Folded(r io.Reader) (*profile.Profile, error) {
	b := newBuilder(&profile.ValueType{Type: FoldedValue, Unit: "count"})
	lines := bufio.NewScanner(io.LimitReader(r, maxInput))
	lines.Buffer(nil, maxFoldedLine)
	var stack []*profile.Location
	n := 0
	var all sums
	for lines.Scan() {
		n++
		line := strings.TrimRight(lines.Text(), "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		if at <= 0 {
			return nil, fmt.Errorf("read folded stacks: line %d has no weight after a space", n)
		}
		weight, err := foldedWeight(line[at+1:])
		if err == nil {
			err = all.add(weight)
		}
		if err != nil {
			return nil, fmt.Errorf("read folded stacks: line %d: %w", n, err)
		}
		stack = stack[:0]
		for _, name := range splitFolded(line[:at]) {
			stack = append(stack, b.location(frame{name: name}))
		}
		for i, j := 0, len(stack)-1; i < j; i, j = i+1, j-1 { // leaf first
			stack[i], stack[j] = stack[j], stack[i]
		}
		b.add(stack, []int64{weight}, nil)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read folded stacks: after line %d: %w", n, err)
	}
	if len(b.p.Sample) == 0 {
		return nil, errors.New("read folded stacks: there is no stack")
	}
	return b.p, nil
}

func foldedWeight(s string) (int64, error) {
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		return v, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1<<62 {
		return 0, fmt.Errorf("%.40q is no weight", s)
	}
	return int64(math.Round(f)), nil
}

// splitFolded splits a stack into its names, root first.
func splitFolded(s string) []string {
	if !strings.Contains(s, `\`) {
		return strings.Split(s, ";")
	}
	var names []string
	var name strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == ';' {
			names = append(names, name.String())
			name.Reset()
			continue
		}
		if c == '\\' && i+1 < len(s) {
			switch s[i+1] {
			case ';', '\\':
				i++
				c = s[i]
			case 'n':
				i++
				c = '\n'
			}
		}
		name.WriteByte(c)
	}
	return append(names, name.String())
}
