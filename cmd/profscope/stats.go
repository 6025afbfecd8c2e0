package main

import (
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
traces slices; several ranks of one run have ranks too.`,
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
			ins, err := a.open(c.Context(), args, in)
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
				if len(ins) > 1 {
					for _, r := range rs {
						r.Name = i.Name + ": " + r.Name
					}
				}
				all = append(all, rs...)
			}
			return a.write(output, func(w io.Writer) error { return format.Reports(w, all, o) })
		},
	}
	f := c.Flags()
	f.StringSliceVar(&reports, "report", nil, "reports to print (default: all that the file has)")
	f.StringVar(&o.Format, "format", "table", "table, csv, json or markdown")
	f.IntVar(&o.Limit, "limit", 30, "rows of each report; 0 for all")
	f.StringVarP(&output, "output", "o", "", "file to write to (default: standard output)")
	windowFlags(c, &in)
	return c
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
			return nil, &convert.Error{Name: in.Name, Err: fmt.Errorf("this %s has no report %q: it has %s", in.Kind, n, strings.Join(have, ", "))}
		}
		rs = append(rs, all[at])
	}
	return rs, nil
}
