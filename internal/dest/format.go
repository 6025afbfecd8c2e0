package dest

import (
	"fmt"
	"strings"
)

// Format is an ending without the dot, in its canonical spelling.
type Format string

const (
	Pprof      Format = "pprof"
	Text       Format = "txt"
	Folded     Format = "folded"
	Trace      Format = "trace"
	Perfetto   Format = "pftrace"
	Chrome     Format = "json"
	ChromeGzip Format = "json.gz"
)

// Recorded reports whether a file of that format shows what happened when: it
// is made from the recording while that runs, and not from sums.
func (f Format) Recorded() bool {
	return f == Trace || f == Perfetto || f == Chrome || f == ChromeGzip
}

// endings is all that is known, in the order in which people are told. Those
// without a format are known so that nobody gets a file whose content is not
// what its name says.
var endings = []struct {
	ending string
	format Format
}{
	{"prof", Pprof},
	{"pprof", Pprof},
	{"pb.gz", Pprof},
	{"txt", Text},
	{"folded", Folded},
	{"trace", Trace},
	{"pftrace", Perfetto},
	{"json", Chrome},
	{"json.gz", ChromeGzip},
	{"html", ""},
}

// Endings returns the endings that have a format, with their dots.
func Endings() []string {
	var all []string
	for _, e := range endings {
		if e.format != "" {
			all = append(all, "."+e.ending)
		}
	}
	return all
}

// Listed writes several words as a sentence has them: "a, b and c".
func Listed(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// FormatOf decides the format of a destination: by option if that is not "",
// else by the name's ending, in any case. Names without an ending and with
// one that is not known are Pprof, and so is "-"; the name "" is Text. An
// option that is not known, and an ending whose format cannot be written, is
// an error that is ErrFormat.
func FormatOf(name, option string) (Format, error) {
	if option != "" {
		for _, e := range endings {
			if strings.EqualFold(option, e.ending) {
				return usable(e.format, e.ending, name)
			}
		}
		return "", fmt.Errorf("profscope: format %q: %w: %s work", option, ErrFormat, options())
	}
	if name == "" {
		return Text, nil
	}
	low := strings.ToLower(name)
	for _, e := range endings {
		if strings.HasSuffix(low, "."+e.ending) {
			return usable(e.format, e.ending, name)
		}
	}
	return Pprof, nil
}

// options lists the endings as the option takes them.
func options() string {
	all := Endings()
	for i, e := range all {
		all[i] = e[1:]
	}
	return Listed(all)
}

func usable(f Format, ending, name string) (Format, error) {
	if f != "" {
		return f, nil
	}
	stem := "x"
	if n := len(name) - len("."+ending); n > 0 && strings.EqualFold(name[n:], "."+ending) {
		stem = name[:n]
	}
	return "", fmt.Errorf("profscope: write %q: %w: .%s needs the command line: write %s.prof, then run: profscope convert %s.prof %s.%s (%s)",
		name, ErrFormat, ending, stem, stem, stem, ending, Listed(Endings())+" work")
}
