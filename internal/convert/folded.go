package convert

import (
	"fmt"
	"io"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/format"
)

// foldedProfile writes the values of one sample type of p, by its name; "" is
// the default one. A name that p has not is an error that lists those it has.
func foldedProfile(w io.Writer, p *profile.Profile, sampleType string) error {
	i, err := sampleIndex(p, sampleType)
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
					names = append(names, fn.Name)
				}
			}
			if len(l.Line) == 0 {
				names = append(names, fmt.Sprintf("0x%x", l.Address))
			}
		}
		lines[format.FoldedStack(names)] += s.Value[i]
	}
	return format.FoldedLines(w, lines)
}
