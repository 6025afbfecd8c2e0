package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/google/pprof/profile"
	"github.com/spf13/cobra"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/ledger"
)

// errDiffers is --fail-over's answer: it has been said what it is about.
var errDiffers = errors.New("the profiles differ")

func (a *app) diff() *cobra.Command {
	var (
		o          format.ReportOptions
		sampleType string
		failOver   string
		output     string
		old, fresh []string
	)
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare two files, or several of each side: what changed, and is it more than noise",
		Long: `Compare two files, or several of each side: what changed, and is it more than noise.

With several files of each side (--old and --new, or folders), from four on, it
is benchstat's test that tells. What is compared are the sums in the files: where
these are of different numbers of calls, that is said. --fail-over judges the
total per call where both sides know their calls, and the sum elsewhere. With -o FILE.prof the
difference is written as a profile for pprof.`,
		Example: "  profscope diff --fail-over 5% before.prof after.prof",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 && (len(args) != 0 || len(old) == 0 || len(fresh) == 0) {
				return errors.New("diff takes two files, or --old and --new")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			limit, err := parsePercent(failOver)
			if err != nil {
				return err
			}
			if len(args) == 2 {
				old, fresh = args[:1], args[1:]
			}
			before, err := a.profiles(c, old)
			if err != nil {
				return err
			}
			after, err := a.profiles(c, fresh)
			if err != nil {
				return err
			}
			d, err := convert.Diff(before, after, sampleType)
			if err != nil {
				return absentIsUsage(err)
			}
			if e := convert.Ending(output); output != "" && (e == ".prof" || e == ".pprof" || e == ".pb.gz") {
				err = a.writeDiff(output, before, after)
			} else {
				if output == "" {
					o.Width, o.Color = a.terminal()
				}
				err = a.write(output, func(w io.Writer) error { return format.Reports(w, []*ledger.Report{d.Report}, o) })
			}
			if err != nil {
				return err
			}
			if limit >= 0 && d.Change() > limit {
				what := "the total"
				if d.PerCall() {
					what = "per call the total"
				}
				fmt.Fprintf(a.stderr, "profscope: %s grew by %.1f %%, more than %s%%\n", what, 100*d.Change(), strings.TrimSuffix(strings.TrimSpace(failOver), "%"))
				return errDiffers
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringSliceVar(&old, "old", nil, "files before, if there are several")
	f.StringSliceVar(&fresh, "new", nil, "files after")
	f.StringVar(&sampleType, "sample-type", "", "sample type to compare (default: the profile's own)")
	f.StringVar(&failOver, "fail-over", "", "exit with 1 if the total, per call where both sides know their calls, grew by more than this, for example 5%")
	f.StringVar(&o.Format, "format", "table", "table, csv, json or markdown")
	limitFlag(f, &o.Limit, "rows to print")
	f.StringVarP(&output, "output", "o", "", "file to write to; .prof is a profile of the difference")
	return c
}

func (a *app) profiles(c *cobra.Command, names []string) ([]*profile.Profile, error) {
	ins, err := a.open(c.Context(), names, convert.Options{})
	if err != nil {
		return nil, err
	}
	var ps []*profile.Profile
	for _, in := range ins {
		ps = append(ps, in.AsProfile())
	}
	return ps, nil
}

func (a *app) writeDiff(output string, before, after []*profile.Profile) error {
	b, err := convert.Sum(before)
	if err != nil {
		return err
	}
	f, err := convert.Sum(after)
	if err != nil {
		return err
	}
	d, err := convert.DiffProfile(b, f)
	if err != nil {
		return fmt.Errorf("the two sides cannot be subtracted: %w", err)
	}
	return a.write(output, func(w io.Writer) error { return convert.WriteProfile(w, d) })
}

// parsePercent reads "5%" or "5"; "" is -1.
func parsePercent(s string) (float64, error) {
	if s == "" {
		return -1, nil
	}
	v, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(s), "%"), 64)
	if err != nil || !(v >= 0) || math.IsInf(v, 0) { // NaN is neither
		return 0, usagef("--fail-over %q is no percentage: 5%% is one", s)
	}
	return v / 100, nil
}
