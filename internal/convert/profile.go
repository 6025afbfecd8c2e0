package convert

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/importer"
	"github.com/profscope/profscope/internal/ledger"
)

// AsProfile returns the input as a profile: that of the whole process, for a
// Go trace.
func (in *Input) AsProfile() *profile.Profile {
	switch {
	case in.Trace != nil:
		return ledgerProfile(in.Trace.Whole)
	case in.Py != nil:
		return in.Py.Profile()
	case in.Chrome != nil:
		return in.Chrome.Profile()
	}
	return in.Profile
}

// Merged returns all inputs as one profile, and leaves them as they are.
func Merged(ins []*Input) (*profile.Profile, error) {
	if len(ins) == 1 {
		return ins[0].AsProfile(), nil
	}
	if ins[0].Py != nil { // callers and counts add up better than estimated paths
		sum := &importer.PyStats{}
		for _, in := range ins {
			if in.Py == nil {
				return nil, &Error{in.Name, fmt.Errorf("a %s cannot be merged with a %s", in.Kind, ins[0].Kind)}
			}
			sum.Merge(in.Py)
		}
		return sum.Profile(), nil
	}
	var ps []*profile.Profile
	for _, in := range ins {
		ps = append(ps, in.AsProfile())
	}
	p, err := Sum(ps)
	var other *typesError
	if errors.As(err, &other) {
		return nil, fmt.Errorf("%s has %s, and %s has %s: only files of the same sample types can be merged",
			shownName(ins[0].Name), other.has[0], shownName(ins[other.at].Name), other.has[1])
	}
	if err != nil {
		return nil, fmt.Errorf("the inputs cannot be merged: %w", err)
	}
	return p, nil
}

// Sum adds profiles up. A profile need not have a period, and Merge of
// google/pprof takes it for granted.
func Sum(ps []*profile.Profile) (*profile.Profile, error) {
	if err := addable(ps); err != nil {
		return nil, err
	}
	for _, p := range ps {
		if p.PeriodType == nil {
			p.PeriodType = &profile.ValueType{}
		}
	}
	sum, err := profile.Merge(ps)
	if err != nil {
		return nil, err
	}
	// Merge has equal comments once, and numbers of calls are to be added.
	calls := 0.0
	for _, p := range ps {
		n := callsOf(p)
		if n == 0 {
			return sum, nil
		}
		calls += n
	}
	dropCalls(sum)
	sum.Comments = append(sum.Comments, fmt.Sprintf("%s%.0f", format.CommentCalls, calls))
	return sum, nil
}

// dropCalls takes the numbers of calls out of the comments.
func dropCalls(p *profile.Profile) {
	p.Comments = slices.DeleteFunc(p.Comments, func(c string) bool {
		return strings.HasPrefix(c, format.CommentCalls) || strings.HasPrefix(c, format.CommentKept)
	})
}

// errNoStack is the error for conditions that leave nothing.
var errNoStack = errors.New("no stack is left by --focus and --ignore")

// selectStacks narrows p to the stacks that match focus and do not match ignore; ""
// is no condition. It is an error if nothing is left.
func selectStacks(p *profile.Profile, focus, ignore string) error {
	f, i, err := compiled(focus, ignore)
	if err != nil {
		return err
	}
	if f == nil && i == nil {
		return nil
	}
	p.FilterSamplesByName(f, i, nil, nil)
	if len(p.Sample) == 0 {
		return errNoStack
	}
	return nil
}

// CheckConditions returns what is wrong with the regular expressions of --focus and
// --ignore.
func CheckConditions(focus, ignore string) error {
	_, _, err := compiled(focus, ignore)
	return err
}

// compiled returns the conditions, nil for one that is "".
func compiled(focus, ignore string) (f, i *regexp.Regexp, err error) {
	if focus != "" {
		if f, err = regexp.Compile(focus); err != nil {
			return nil, nil, fmt.Errorf("--focus: %w", err)
		}
	}
	if ignore != "" {
		if i, err = regexp.Compile(ignore); err != nil {
			return nil, nil, fmt.Errorf("--ignore: %w", err)
		}
	}
	return f, i, nil
}

// Reports returns the tables that the input has.
func (in *Input) Reports() []*ledger.Report {
	switch {
	case in.Trace != nil:
		return in.Trace.Reports()
	case in.Py != nil:
		return []*ledger.Report{pyReport(in.Py)}
	case in.Chrome != nil:
		return in.Chrome.Reports()
	}
	return profileReports(in.Profile)
}
