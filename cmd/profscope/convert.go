package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/profscope/profscope/internal/convert"
)

func (a *app) convert() *cobra.Command {
	var (
		out      convert.OutputOptions
		in       convert.Options
		asFormat string
	)
	c := &cobra.Command{
		Use:   "convert IN... OUT",
		Short: "Turn files into another format; several inputs are merged",
		Long: `Turn files into another format; several inputs are merged.

What IN is, its content says. What OUT shall be, its ending says: .prof, .pprof
and .pb.gz a profile for pprof, .folded stacks for flame graph scripts, .txt a
table, .html a page with a flame graph, for which no network is needed; and of a
Go, torch or Chrome trace .pftrace a timeline for ui.perfetto.dev, .json and
.json.gz one for chrome://tracing and speedscope. An unknown ending is a profile,
which is said. Timelines of several traces are laid side by side by the wall
clock. "-" is standard input and output.`,
		Example: "  profscope convert server.trace server.prof",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if err := convert.CheckConditions(out.Focus, out.Ignore); err != nil {
				return usageError{err}
			}
			name := args[len(args)-1]
			ending := "." + asFormat
			if asFormat == "" {
				ending = a.ending(name)
			}
			if convert.IsTimeline(ending) {
				return a.drawTimeline(c, args[:len(args)-1], name, ending, in, out)
			}
			ins, err := a.open(c.Context(), args[:len(args)-1], in)
			if err != nil {
				return err
			}
			if len(ins) == 1 {
				out.Source = source(ins[0])
			}
			out.Warn = func(s string) { fmt.Fprintf(a.stderr, "profscope: %s: %s\n", shownOutput(name), s) }
			if err := a.write(name, func(w io.Writer) error { return convert.Write(w, ins, ending, out) }); err != nil {
				return absentIsUsage(err)
			}
			if ending == ".folded" {
				if loss := lossInFolded(ins[0].AsProfile(), out.SampleType); loss != "" {
					fmt.Fprintf(a.stderr, "profscope: %s: %s\n", shownOutput(name), loss)
				}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&out.SampleType, "sample-type", "", "sample type that counts (default: the profile's own)")
	f.StringVar(&out.Focus, "focus", "", "keep stacks with a function that matches this regular expression, of a timeline slices by name, track or stack")
	f.StringVar(&out.Ignore, "ignore", "", "leave out what matches this regular expression")
	f.StringVar(&asFormat, "format", "", "format of OUT, an ending without the dot (default: by OUT's own)")
	windowFlags(c, &in)
	return c
}

// drawTimeline is the conversion whose input is not held: it may be larger
// than the memory.
func (a *app) drawTimeline(c *cobra.Command, names []string, out, ending string, in convert.Options, o convert.OutputOptions) error {
	names, err := convert.Files(names)
	if err != nil {
		return err
	}
	if o.SampleType != "" {
		return usagef("--sample-type is for stacks, and %s is a timeline", ending)
	}
	in.Focus, in.Ignore = o.Focus, o.Ignore
	done := a.prepare(c.Context(), &in, names)
	defer done()
	return a.write(out, func(w io.Writer) error {
		warnings, err := convert.DrawTimeline(w, names, ending, in)
		done()
		for _, s := range warnings {
			fmt.Fprintf(a.stderr, "profscope: %s\n", s)
		}
		return err
	})
}

// windowFlags adds --from and --to.
func windowFlags(c *cobra.Command, o *convert.Options) {
	c.Flags().DurationVar(&o.From, "from", 0, "leave out what a timeline has before, from its begin on (for example 1.5s)")
	c.Flags().DurationVar(&o.To, "to", 0, "leave out what a timeline has after")
	c.PreRunE = func(*cobra.Command, []string) error {
		return windowError(*o)
	}
}
