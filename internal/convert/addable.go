package convert

import (
	"fmt"
	"strings"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/importer"
)

// typesError is the error for profiles that count different things. That of
// google/pprof prints addresses, and knows no files.
type typesError struct {
	at  int       // of the profile that differs from the first
	has [2]string // what the first has, and what that one
}

func (e *typesError) Error() string {
	return fmt.Sprintf("one has %s, and another %s", e.has[0], e.has[1])
}

// addable returns an error if the profiles cannot be added up.
func addable(ps []*profile.Profile) error {
	for i, p := range ps {
		for _, about := range []func(*profile.Profile) string{sampleTypes, period} {
			if a, b := about(ps[0]), about(p); a != b {
				return &typesError{i, [2]string{a, b}}
			}
		}
	}
	return importer.Summable(ps...)
}

func sampleTypes(p *profile.Profile) string {
	if len(p.SampleType) == 0 {
		return "no sample types"
	}
	var names []string
	for _, t := range p.SampleType {
		names = append(names, t.Type+"/"+t.Unit)
	}
	return "the sample types " + strings.Join(names, ", ")
}

func period(p *profile.Profile) string {
	if t := p.PeriodType; t != nil && (t.Type != "" || t.Unit != "") {
		return "a period of " + t.Type + "/" + t.Unit
	}
	return "no period"
}
