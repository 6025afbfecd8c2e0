package main

import (
	"context"
	"io"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/launch"
)

// launchStats prints the tables of what was recorded, as profscope stats does.
func (a *app) launchStats(ctx context.Context, files []launch.Written) error {
	o := format.ReportOptions{Format: "table", Limit: 30}
	o.Width, o.Color = a.terminal()
	for _, f := range files {
		if f.Mode != "" {
			continue // go tool pprof is the reader of those
		}
		rs := f.Reports
		if rs == nil {
			if convert.IsTimeline(convert.Ending(f.Path)) {
				continue // profscope stats reads traces and profiles
			}
			ins, err := a.open(ctx, []string{f.Path}, convert.Options{})
			if err != nil {
				return err
			}
			for _, in := range ins {
				rs = append(rs, in.Reports()...)
			}
		}
		if err := a.write("", func(w io.Writer) error { return format.Reports(w, rs, o) }); err != nil {
			return err
		}
	}
	return nil
}
