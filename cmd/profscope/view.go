package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/profscope/profscope/internal/convert"
)

func (a *app) view() *cobra.Command {
	var (
		in        convert.Options
		at        listenOptions
		asProfile bool
	)
	c := &cobra.Command{
		Use:   "view FILE...",
		Short: "Open files in the browser; several are merged",
		Long: `Open files in the browser; several are merged.

Profiles are shown in pprof's own web interface. Traces are shown as timelines,
which ui.perfetto.dev draws: a local page hands them over, and they stay in the
browser; without a network the page has the file for download. It ends at
Ctrl-C, or when the address is asked to: curl -X POST ADDRESS/end.`,
		Example: "  profscope view cpu.prof",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			a.endWith(c.Context())
			names, err := convert.Files(args)
			if err != nil {
				return err
			}
			dir, err := os.MkdirTemp("", "profscope-view-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			if i := slices.Index(names, "-"); i >= 0 {
				// What it is must be known before it is read.
				if names[i], err = a.keepInput(c.Context(), filepath.Join(dir, "standard-input")); err != nil {
					return err
				}
			}
			timeline := !asProfile
			for _, n := range names {
				kind, err := convert.KindOf(c.Context(), n)
				if err != nil {
					return err
				}
				timeline = timeline && kind.HasTimes()
			}
			var pages http.Handler
			if timeline {
				pages, err = a.timelinePages(c.Context(), names, dir, in)
			} else {
				pages, err = a.profilePages(c.Context(), names, in)
			}
			if err != nil {
				return err
			}
			return a.serve(c.Context(), pages, at)
		},
	}
	c.Flags().StringVar(&at.addr, "addr", "127.0.0.1:0", "address to listen on; port 0 takes a free one")
	c.Flags().BoolVar(&at.noBrowser, "no-browser", false, "only say the address")
	c.Flags().BoolVar(&asProfile, "as-profile", false, "show traces in pprof's web interface too, as sums")
	windowFlags(c, &in)
	return c
}

// keepInput copies standard input to a file of that name.
func (a *app) keepInput(ctx context.Context, name string) (string, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(f, convert.Until(ctx, a.stdin)); err != nil {
		f.Close()
		return "", &convert.Error{Name: "-", Err: err}
	}
	return name, f.Close()
}
