package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/importer"
	"github.com/profscope/profscope/internal/ledger"
)

func (a *app) stats() *cobra.Command {
	var (
		in      convert.Options
		o       format.ReportOptions
		reports []string
		output  string
	)
	c := &cobra.Command{
		Use:   "stats FILE...",
		Short: "Print tables of figures: how often, how long, on average and at most",
		Long: `Print tables of figures, with the columns that nsys stats has.

A Go trace has the reports scopes, regions, states, goroutines and functions; a
profile has functions, and states if its samples have that label. A trace of
torch.profiler has gpu_kernels, gpu_mem, cuda_api, ops and slices, other Chrome
traces slices; several ranks of one run have ranks too. Of several files each
report has the rows of all, which tell their file.`,
		Example: "  profscope stats --report states,goroutines server.trace",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains(format.ReportFormats, o.Format) {
				return usagef("--format %q: %w", o.Format, format.ErrReportFormat)
			}
			if os.Getenv("GOGC") == "" {
				// What is held grows with the file, slowly: collecting it twice as
				// often costs little, and keeps the process small.
				debug.SetGCPercent(50)
			}
			ins, failed, err := a.openGood(c.Context(), args, in)
			if err != nil {
				return err
			}
			if output == "" {
				o.Width, o.Color = a.terminal()
			}
			all, each := acrossInputs(ins, reports)
			for _, i := range ins {
				if len(reports) > 0 && len(each) == 0 {
					break // all that was asked for is there
				}
				rs, err := chosen(i, each)
				if err != nil {
					return err
				}
				if len(ins) == 1 {
					all = append(all, rs...)
					continue
				}
				for _, r := range rs {
					all = beside(all, i.Name, r, o.Limit)
				}
			}
			if len(ins) > 1 {
				o.Limit = 0 // it was each file's
			}
			err = a.write(output, func(w io.Writer) error { return format.Reports(w, all, o) })
			return cmp.Or(err, failed)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&reports, "report", nil, "reports to print (default: all that the file has)")
	f.StringVar(&o.Format, "format", "table", "table, csv, json or markdown")
	limitFlag(f, &o.Limit, "rows of each report")
	f.StringVarP(&output, "output", "o", "", "file to write to (default: standard output)")
	windowFlags(c, &in)
	return c
}

// beside adds a file's report to those of the same name and columns, with a
// column that tells the file; limit is of the rows of each file, 0 for all.
func beside(all []*ledger.Report, file string, r *ledger.Report, limit int) []*ledger.Report {
	columns := append([]ledger.Column{{Name: "File", Kind: ledger.Text}}, r.Columns...)
	at := slices.IndexFunc(all, func(have *ledger.Report) bool { return have.Name == r.Name && slices.Equal(have.Columns, columns) })
	if at < 0 {
		name := r.Name
		if slices.ContainsFunc(all, func(have *ledger.Report) bool { return have.Name == name }) {
			name = file + ": " + name // other columns: a table of its own
		}
		at = len(all)
		all = append(all, &ledger.Report{Name: name, Title: r.Title, Columns: columns})
	}
	to := all[at]
	for i, row := range r.Rows {
		if limit > 0 && i == limit {
			to.Notes = append(to.Notes, fmt.Sprintf("%s has %d rows more: --limit 0 shows all.", file, len(r.Rows)-limit))
			break
		}
		to.Rows = append(to.Rows, append([]ledger.Value{{Text: file}}, row...))
	}
	for _, n := range r.Notes {
		to.Notes = append(to.Notes, file+": "+n)
	}
	return all
}

// acrossInputs returns the reports that compare the inputs with each other, of
// those that names ask for, and the names that are left.
func acrossInputs(ins []*convert.Input, names []string) ([]*ledger.Report, []string) {
	var ts []*importer.ChromeTrace
	for _, in := range ins {
		ts = append(ts, in.Chrome)
	}
	r := importer.Ranks(ts)
	if r == nil || len(names) > 0 && !slices.Contains(names, r.Name) {
		return nil, names
	}
	each := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == r.Name })
	return []*ledger.Report{r}, each
}

// chosen returns the input's reports of those names.
func chosen(in *convert.Input, names []string) ([]*ledger.Report, error) {
	all := in.Reports()
	if len(names) == 0 {
		return all, nil
	}
	var rs []*ledger.Report
	var have []string
	for _, r := range all {
		have = append(have, r.Name)
	}
	for _, n := range names {
		at := slices.Index(have, n)
		if at < 0 {
			return nil, usageError{&convert.Error{Name: in.Name, Err: fmt.Errorf("this %s has no report %q: it has %s", in.Kind, n, strings.Join(have, ", "))}}
		}
		rs = append(rs, all[at])
	}
	return rs, nil
}
