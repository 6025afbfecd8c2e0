package convert

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/profscope/profscope/internal/dest"
	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/page"
)

// OutputOptions say what is written.
type OutputOptions struct {
	SampleType    string // weight of folded stacks, and the default of profiles
	Focus, Ignore string // regular expressions for stacks
	// Source is the name at which a command finds the only input again, for
	// what a table proposes; "" if there is none: it was standard input, or a
	// recording.
	Source string
	// Warn, if set, is told what the output lacks of the inputs.
	Warn func(string)
}

// Outputs are the endings that Write and DrawTimeline know: those of the library,
// but for .trace, which is a recording's own bytes, and .html.
var Outputs = append(slices.DeleteFunc(dest.Endings(), func(e string) bool { return formatOf(e) == dest.Trace }), ".html")

// ErrOutput is the error for an ending that is not among Outputs.
var ErrOutput = errors.New(dest.Listed(Outputs) + " work")

// IsTimeline reports whether files of that ending show what happened when,
// and not only how much.
func IsTimeline(ending string) bool {
	f := formatOf(ending)
	return f.Recorded() && f != dest.Trace
}

// formatOf returns the format of an ending, "" of .html.
func formatOf(ending string) dest.Format {
	f, _ := dest.FormatOf(ending, "")
	return f
}

// DrawTimeline reads the traces of those names and writes them as one timeline,
// by the wall clock if there are several. Of a Go trace no more is held than
// what is open. It returns warnings, which begin with the file's name.
func DrawTimeline(w io.Writer, names []string, ending string, o Options) ([]string, error) {
	b := newBehind(w)
	warnings, err := drawTimeline(b, names, ending, o)
	if e := b.close(); e != nil && err == nil {
		err = fmt.Errorf("writing the timeline: %w", e)
	}
	return warnings, err
}

func drawTimeline(w io.Writer, names []string, ending string, o Options) (warnings []string, err error) {
	focus, ignore, err := compiled(o.Focus, o.Ignore)
	if err != nil {
		return nil, err
	}
	zw := gzip.NewWriter(w)
	encoder := func(t *ledger.Stacks) ledger.Timeline {
		switch ending {
		case ".pftrace":
			return format.NewPerfetto(w, t)
		case ".json.gz":
			return format.NewChrome(zw, t)
		}
		return format.NewChrome(w, t)
	}
	if focus != nil || ignore != nil {
		all := encoder
		encoder = func(t *ledger.Stacks) ledger.Timeline { return newFocused(all(t), t, focus, ignore) }
	}
	if len(names) == 1 {
		warnings, err = drawOne(names[0], o, encoder)
	} else {
		warnings, err = sideBySide(names, o, encoder)
	}
	if focus != nil || ignore != nil {
		warnings = append(warnings, "arrows between slices are left out, as --focus and --ignore may leave out one of their ends")
	}
	if err == nil && ending == ".json.gz" {
		err = zw.Close()
	}
	return warnings, err
}

func drawOne(name string, o Options, encoder func(*ledger.Stacks) ledger.Timeline) (warnings []string, err error) {
	o.timeline = encoder
	in, err := Open(name, o)
	switch {
	case err != nil:
		return nil, err
	case in.Chrome != nil:
		err = in.Chrome.Draw(newWindow(encoder(ledger.NewStacks()), in.Chrome.First(), o))
		in.Warnings = in.Chrome.Warnings
		if errors.Is(err, errOutside) {
			err = &Error{in.Name, err}
		}
	case in.Trace == nil:
		return nil, &Error{in.Name, noTimes(in.Kind)}
	}
	for _, s := range in.Warnings {
		warnings = append(warnings, fmt.Sprintf("%s: %s", shownName(in.Name), s))
	}
	return warnings, err
}

// Write writes the inputs, merged, in the format of that ending.
func Write(w io.Writer, ins []*Input, ending string, o OutputOptions) error {
	switch ending {
	case ".prof", ".pprof", ".pb.gz", ".folded", ".html":
	case ".txt":
		// A sample type is one number of each stack, and this table has all states.
		if len(ins) == 1 && ins[0].Trace != nil && o.SampleType == "" {
			l := ins[0].Trace.Whole
			if o.Focus != "" || o.Ignore != "" {
				var err error
				if l, err = narrowed(l, o); err != nil {
					return err
				}
			}
			return format.Table(w, l, format.TableOptions{StartLine: StartLines(), Source: o.Source})
		}
	default:
		return fmt.Errorf("%s: %w", ending, ErrOutput)
	}
	p, err := Merged(ins)
	if err != nil {
		return err
	}
	if o.Focus != "" || o.Ignore != "" {
		p = p.Copy() // the filter changes it
		if err := selectStacks(p, o.Focus, o.Ignore); err != nil {
			return err
		}
	}
	if o.SampleType != "" {
		if _, err := sampleIndex(p, o.SampleType); err != nil {
			return err
		}
		p.DefaultSampleType = o.SampleType
	}
	switch ending {
	case ".folded":
		return foldedProfile(w, p, "")
	case ".html":
		cut, err := page.Write(w, p, titleOf(ins))
		if cut != "" && o.Warn != nil {
			o.Warn("the page is not whole: " + cut)
		}
		return err
	case ".txt":
		return format.Reports(w, profileReports(p), format.ReportOptions{})
	}
	return WriteProfile(w, p)
}

// titleOf names the inputs for people.
func titleOf(ins []*Input) string {
	name := shownName(ins[0].Name)
	if ins[0].Name != "-" {
		name = filepath.Base(name)
	}
	if n := len(ins) - 1; n > 0 {
		name += fmt.Sprintf(" and %d more", n)
	}
	return name
}

// OutputEnding returns the ending that decides the format of a file of that
// name. One that is not known is a profile, as of the names that the library is
// given, and known is false.
func OutputEnding(name string) (ending string, known bool) {
	e := Ending(name)
	if e == ".trace" || slices.Contains(Outputs, e) {
		return e, true
	}
	return ".prof", false
}

// Ending returns the ending of a name that decides its format, and ".prof"
// for one that has none.
func Ending(name string) string {
	low := strings.ToLower(name)
	for _, e := range dest.Endings() {
		if strings.Count(e, ".") > 1 && strings.HasSuffix(low, e) {
			return e
		}
	}
	slash := strings.LastIndexAny(low, `/\`)
	if dot := strings.LastIndexByte(low, '.'); dot > slash+1 {
		return low[dot:]
	}
	return ".prof"
}
