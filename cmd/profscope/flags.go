package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/profscope/profscope/internal/convert"
)

// rows is a number of rows, 0 for all.
type rows int

func (r *rows) String() string { return strconv.Itoa(int(*r)) }
func (r *rows) Type() string   { return "int" }

func (r *rows) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return errors.New("it is a number of rows, 0 for all")
	}
	*r = rows(n)
	return nil
}

// limitFlag adds --limit.
func limitFlag(f *pflag.FlagSet, n *int, usage string) {
	*n = 30
	f.Var((*rows)(n), "limit", usage+"; 0 for all")
}

// windowError says what is wrong with --from and --to, of which the command line
// may have either.
func windowError(o convert.Options) error {
	var given []string
	if o.From != 0 {
		given = append(given, fmt.Sprintf("--from %v", o.From))
	}
	if o.To != 0 {
		given = append(given, fmt.Sprintf("--to %v", o.To))
	}
	if o.From < 0 || o.To < 0 || o.To > 0 && o.To <= o.From {
		return usagef("%s is no window of time", strings.Join(given, " "))
	}
	return nil
}

// absentIsUsage takes it for a mistake in the command line that the file, which was
// read well, has nothing of the name that was asked for.
func absentIsUsage(err error) error {
	if errors.Is(err, convert.ErrSampleType) {
		return usageError{err}
	}
	return err
}
