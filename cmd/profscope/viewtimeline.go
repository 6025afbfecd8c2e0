package main

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/dest"
)

//go:embed timeline.html
var timelineHTML string

var timelinePage = template.Must(template.New("timeline").Parse(timelineHTML))

// timelinePages hand the traces to ui.perfetto.dev, as one timeline. Its
// documented way for pages elsewhere is a message between windows: the trace
// goes from this server to the browser, and from one window of it to the
// other. The timeline lies in dir, for it may be larger than the memory.
func (a *app) timelinePages(ctx context.Context, names []string, dir string, in convert.Options) (http.Handler, error) {
	kind, err := convert.KindOf(ctx, names[0])
	if err != nil {
		return nil, err
	}
	file := names[0]
	if kind != convert.KindPerfetto || len(names) > 1 || in.From != 0 || in.To != 0 {
		file = filepath.Join(dir, "timeline.pftrace")
		done := a.prepare(ctx, &in, names)
		defer done()
		err := dest.Put(file, func(w io.Writer) error {
			warnings, err := convert.DrawTimeline(w, names, ".pftrace", in)
			done()
			for _, s := range warnings {
				fmt.Fprintf(a.stderr, "profscope: %s\n", s)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	title := filepath.Base(names[0])
	if n := len(names) - 1; n > 0 {
		title += fmt.Sprintf(" and %d more", n)
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	data := struct {
		Title, Name string
		Size        string
	}{title, stem(title) + ".pftrace", sizeText(info.Size())}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		// The page reads from here and from nowhere else. Its opener policy is
		// left alone: with "same-origin" it could not talk to the window.
		h.Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:")
		h.Set("Content-Type", "text/html; charset=utf-8")
		_ = timelinePage.Execute(w, data)
	})
	mux.HandleFunc("GET /trace", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", "attachment; filename=timeline.pftrace")
		http.ServeFile(w, r, file)
	})
	return mux, nil
}

func sizeText(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.1f KB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// stem is a file's name without what tells its format.
func stem(name string) string {
	low := strings.ToLower(name)
	for _, e := range []string{".gz", ".zst", ".json", ".trace", ".pftrace"} {
		low = strings.TrimSuffix(low, e)
	}
	return name[:len(low)]
}
