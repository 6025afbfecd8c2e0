// Package page writes a profile as one HTML page that opens from disk and asks
// no network: a flame graph, the functions and who calls whom, for each sample
// type and each label, with search, zoom and the browser's back button.
//
// It is not pprof's web interface with its answers kept: half of what that
// offers (refine, graph, source, download, saved configurations) asks its
// server anew, and a menu of dead entries would be no honest page. Here every
// sample with its labels is in the page, so that all it offers it can do. The
// drawing is d3-flame-graph's, whose source and licence are in the page.
//
// It is a package of its own, so that a program that only records does not
// carry the page's parts.
package page

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/google/pprof/profile"
)

//go:embed assets/page.html
var skeleton string

//go:embed assets/page.css
var style string

//go:embed assets/page.js
var script string

//go:embed assets/tree.js
var tree string

//go:embed assets/d3.min.js
var d3 string

//go:embed assets/d3.LICENSE
var d3Licence string

//go:embed assets/d3-flamegraph.umd.min.js
var flameGraph string

//go:embed assets/d3-flame-graph.LICENSE
var flameGraphLicence string

// Write writes p as a page with that title. It returns what of p is not in the
// page, "" if all is, which the page tells too. The error is the writer's first
// one, or says what about p cannot be shown. The same profile and title give the
// same bytes.
func Write(w io.Writer, p *profile.Profile, title string) (cut string, err error) {
	m, err := newModel(p, title)
	if err != nil {
		return "", fmt.Errorf("writing page: %w", err)
	}
	data, err := json.Marshal(m) // which escapes <, so that no name ends the script element
	if err != nil {
		return "", fmt.Errorf("writing page: %w", err)
	}
	parts := map[string]func(*bufio.Writer){
		"title": func(b *bufio.Writer) { b.WriteString(html.EscapeString(title)) },
		"style": func(b *bufio.Writer) { b.WriteString(style) },
		"data":  func(b *bufio.Writer) { b.Write(data) },
		"d3":    func(b *bufio.Writer) { library(b, "d3", d3Licence, d3) },
		"flame": func(b *bufio.Writer) { library(b, "d3-flame-graph", flameGraphLicence, flameGraph) },
		"tree":  func(b *bufio.Writer) { b.WriteString(tree) },
		"page":  func(b *bufio.Writer) { b.WriteString(script) },
	}
	b := bufio.NewWriter(w)
	rest := skeleton
	for {
		before, after, ok := strings.Cut(rest, "{{")
		b.WriteString(before)
		if !ok {
			break
		}
		name, after, _ := strings.Cut(after, "}}")
		parts[name](b)
		rest = after
	}
	if err := b.Flush(); err != nil {
		return "", fmt.Errorf("writing page: %w", err)
	}
	return m.Cut, nil
}

// library writes another's code with its licence before it.
func library(b *bufio.Writer, name, licence, code string) {
	fmt.Fprintf(b, "/* %s\n\n%s*/\n%s\n", name, licence, code)
}
