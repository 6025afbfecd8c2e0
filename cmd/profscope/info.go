package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/profscope/profscope/internal/convert"
)

func (a *app) info() *cobra.Command {
	return &cobra.Command{
		Use:     "info FILE...",
		Short:   "Tell what a file is, by whom, how long, how much, and what is damaged",
		Example: "  profscope info unknown.gz",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ins, failed, err := a.openGood(c.Context(), args, convert.Options{Unread: true})
			if err != nil {
				return err
			}
			err = a.write("", func(w io.Writer) error {
				for i, in := range ins {
					if i > 0 {
						fmt.Fprintln(w)
					}
					describe(w, in)
				}
				return nil
			})
			return cmp.Or(err, failed)
		},
	}
}

func describe(w io.Writer, in *convert.Input) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("file", "%s", in.Name)
	line("kind", "%s", in.Kind)
	switch {
	case in.See != "":
		line("shown by", "%s", in.See)
		return
	case in.Trace != nil:
		f := in.Trace
		line("written by", "%s", f.Version)
		line("lasts", "%v", f.End-f.Begin)
		if !f.Wall.IsZero() {
			line("begins", "%s", f.Wall.UTC().Format(time.RFC3339Nano))
		}
		line("events", "%d", f.Events)
		line("goroutines", "%d", f.Goroutines)
		line("CPU samples", "%d", f.Samples)
	case in.Py != nil:
		calls, primitive, self := in.Py.Totals()
		line("functions", "%d", len(in.Py.Rows))
		line("calls", "%d (%d primitive)", calls, primitive)
		line("lasts", "%v", time.Duration(self*1e9))
	case in.Chrome != nil:
		t := in.Chrome
		if t.Torch {
			line("written by", "torch.profiler, which does not tell torch's own version")
		}
		line("lasts", "%v", t.Lasts())
		if b := t.Begins(); !b.IsZero() {
			line("begins", "%s", b.UTC().Format(time.RFC3339Nano))
		}
		line("events", "%d", t.Events)
		if n := t.Threads(); n > 0 {
			line("threads", "%d, streams among them", n)
		} else {
			line("threads", "0")
		}
		if t.Rank != "" {
			line("rank", "%s", t.Rank)
		}
		for _, a := range t.About {
			line("says", "%s: %s", clean(a.Name), clean(a.Value))
		}
	case in.Profile != nil:
		p := in.Profile
		var types []string
		for _, t := range p.SampleType {
			types = append(types, t.Type+"/"+t.Unit)
		}
		line("samples", "%d", len(p.Sample))
		line("types", "%s", strings.Join(types, ", "))
		if p.DurationNanos > 0 {
			line("lasts", "%v", time.Duration(p.DurationNanos))
		}
		if p.TimeNanos > 0 {
			line("begins", "%s", time.Unix(0, p.TimeNanos).UTC().Format(time.RFC3339Nano))
		}
		for _, c := range p.Comments {
			line("comment", "%s", clean(c))
		}
	}
	printReports(line, in)
	for _, s := range in.Warnings {
		line("damaged", "%s", s)
	}
}

func printReports(line func(name, format string, args ...any), in *convert.Input) {
	var names []string
	for _, r := range in.Reports() {
		names = append(names, r.Name)
	}
	line("reports", "%s", strings.Join(names, ", "))
}

// clean keeps what a file or a server says from speaking to the terminal, or
// from turning what stands beside it.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}
