package main

import (
	"io"
	"time"

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
table. "-" is standard input and output.`,
		Example: "  profscope convert server.trace server.prof",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			name := args[len(args)-1]
			ending := convert.Ending(name)
			if asFormat != "" {
				ending = "." + asFormat
			}
			ins, err := a.open(c.Context(), args[:len(args)-1], in)
			if err != nil {
				return err
			}
			return a.write(name, func(w io.Writer) error { return convert.Write(w, ins, ending, out) })
		},
	}
	f := c.Flags()
	f.StringVar(&out.SampleType, "sample-type", "", "sample type that counts (default: the profile's own)")
	f.StringVar(&out.Focus, "focus", "", "keep stacks with a function that matches this regular expression")
	f.StringVar(&out.Ignore, "ignore", "", "leave out stacks with a function that matches this regular expression")
	f.StringVar(&asFormat, "format", "", "format of OUT, an ending without the dot (default: by OUT's own)")
	windowFlags(c, &in)
	return c
}

// windowFlags adds --from and --to.
func windowFlags(c *cobra.Command, o *convert.Options) {
	c.Flags().DurationVar(&o.From, "from", 0, "leave out what a timeline has before, from its begin on (for example 1.5s)")
	c.Flags().DurationVar(&o.To, "to", 0, "leave out what a timeline has after")
	c.PreRunE = func(*cobra.Command, []string) error {
		if o.From < 0 || o.To < 0 || o.To > 0 && o.To <= o.From {
			return usagef("--from %v --to %v is no window of time", o.From, o.To.Round(time.Nanosecond))
		}
		return nil
	}
}
