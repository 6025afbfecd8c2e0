package convert

import (
	"regexp"
	"slices"
	"strings"

	"github.com/profscope/profscope/internal/ledger"
)

// narrowed returns l with the stacks alone that selectStacks leaves of its
// profile, for the table, which a profile does not have all of. l stays as it
// is; how long it lasted, and of how many goroutines it is, does not change.
//
// Running time is shared out over the samples before: afterwards, it would go to
// those that are left.
func narrowed(l *ledger.Ledger, o OutputOptions) (*ledger.Ledger, error) {
	focus, ignore, err := compiled(o.Focus, o.Ignore)
	if err != nil {
		return nil, err
	}
	matches := frameMatcher(l.Stacks)
	n := *l
	n.Book, n.Inside = ledger.Book{}, [ledger.NumRoles]int64{}
	entries, _ := l.Book.ShareOut()
	for _, e := range entries {
		if focus != nil && !matches(focus, e.Stack) || ignore != nil && matches(ignore, e.Stack) {
			continue
		}
		n.Book.Put(e)
		n.Inside[e.Role] += e.Nanos
	}
	if len(n.Book.Entries()) == 0 {
		return nil, errNoStack
	}
	var only []string
	if o.Focus != "" {
		only = append(only, "with a function that matches "+o.Focus)
	}
	if o.Ignore != "" {
		only = append(only, "without one that matches "+o.Ignore)
	}
	n.Notes = append(slices.Clone(l.Notes), "Only stacks "+strings.Join(only, " and ")+" are in here.")
	return &n, nil
}

// frameMatcher returns a function that reports whether a stack has a frame whose
// function or file matches, as google/pprof's filter has it. Each frame is matched
// once for each expression.
func frameMatcher(t *ledger.Stacks) func(re *regexp.Regexp, at ledger.StackID) bool {
	type key struct {
		re    *regexp.Regexp
		frame ledger.FrameID
	}
	known := make(map[key]bool)
	return func(re *regexp.Regexp, at ledger.StackID) bool {
		for ; at != 0; at = t.Parent(at) {
			k := key{re, t.Leaf(at)}
			m, ok := known[k]
			if !ok {
				f := t.FrameOf(k.frame)
				m = re.MatchString(f.Func) || re.MatchString(f.File)
				known[k] = m
			}
			if m {
				return true
			}
		}
		return false
	}
}
