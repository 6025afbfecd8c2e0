package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/importer"
)

func (a *app) top() *cobra.Command {
	var (
		in    convert.Options
		sort  string
		limit int
	)
	c := &cobra.Command{
		Use:   "top FILE",
		Short: "Print what took most, functions or what the file has instead",
		Long: `Print what took most, functions or what the file has instead.

For a file of Python's cProfile these are the columns and the rows of pstats. For
a Go trace it is the table that profscope prints of a scope, here of all
goroutines. For every other file these are the tables of stats: of a profile its
functions, and its states if its samples have that label; of a trace of
torch.profiler kernels, copies, calls, operators and slices.`,
		Example: "  profscope top step.prof --sort tottime",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ins, err := a.open(c.Context(), args, in)
			if err != nil {
				return err
			}
			if len(ins) != 1 {
				return usagef("top shows one file, and %s has %d", args[0], len(ins))
			}
			i := ins[0]
			width, color := a.terminal()
			if i.Py != nil {
				rows, err := i.Py.Sorted(sort)
				if err != nil {
					return usagef("--sort: %w", err)
				}
				return a.write("", func(w io.Writer) error { return pstats(w, i.Py, rows, limit) })
			}
			if c.Flags().Changed("sort") {
				return usagef("--sort is for files of Python's cProfile, and %s is a %s", i.Name, i.Kind)
			}
			if i.Trace != nil {
				o := format.TableOptions{Width: width, Color: color, Rows: limit, StartLine: convert.StartLines(), Source: source(i)}
				if limit == 0 {
					o.Rows = 1 << 30
				}
				return a.write("", func(w io.Writer) error { return format.Table(w, i.Trace.Whole, o) })
			}
			return a.write("", func(w io.Writer) error {
				return format.Reports(w, i.Reports(), format.ReportOptions{Width: width, Color: color, Limit: limit})
			})
		},
	}
	c.Flags().StringVar(&sort, "sort", "cumtime", strings.Join(importer.PySorts, ", "))
	limitFlag(c.Flags(), &limit, "rows of each table")
	windowFlags(c, &in)
	return c
}

// pstats prints the table of Python's pstats.
func pstats(w io.Writer, s *importer.PyStats, rows []importer.PyRow, limit int) error {
	calls, primitive, self := s.Totals()
	fmt.Fprintf(w, "%d function calls", calls)
	if calls != primitive {
		fmt.Fprintf(w, " (%d primitive calls)", primitive)
	}
	fmt.Fprintf(w, " in %.3f seconds\n\n", self)
	fmt.Fprintln(w, "   ncalls  tottime  percall  cumtime  percall filename:lineno(function)")
	left := 0
	if limit > 0 && len(rows) > limit {
		rows, left = rows[:limit], len(rows)-limit
	}
	for _, r := range rows {
		n := fmt.Sprint(r.Calls)
		if r.Calls != r.Primitive {
			n = fmt.Sprintf("%d/%d", r.Calls, r.Primitive)
		}
		fmt.Fprintf(w, "%9s %8.3f %s %8.3f %s %s\n", n, r.Self, perCall(r.Self, r.Calls), r.Cum, perCall(r.Cum, r.Primitive), r.Func)
	}
	if left > 0 {
		fmt.Fprintf(w, "(%d more: --limit 0 shows all)\n", left)
	}
	return nil
}

func perCall(t float64, n int64) string {
	if n == 0 {
		return strings.Repeat(" ", 8)
	}
	return fmt.Sprintf("%8.3f", t/float64(n))
}
