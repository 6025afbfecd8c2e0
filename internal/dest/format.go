package dest

import (
	"fmt"
	"strings"
)

// Format is an ending without the dot, in its canonical spelling.
type Format string

const (
	Pprof Format = "pprof"
	Text  Format = "txt"
	Trace Format = "trace"
)

// endings is all that is known; longer ones stand before their own tails.
// Those without a format are known so that nobody gets a file whose content
// is not what its name says.
var endings = []struct {
	ending string
	format Format
}{
	{"pb.gz", Pprof},
	{"pprof", Pprof},
	{"prof", Pprof},
	{"txt", Text},
	{"trace", Trace},
	{"json.gz", ""},
	{"json", ""},
	{"folded", ""},
	{"pftrace", ""},
	{"html", ""},
}

const working = ".prof, .pprof, .pb.gz, .txt and .trace work"

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
		return "", fmt.Errorf("profscope: format %q: %w: prof, pprof, pb.gz, txt and trace work", option, ErrFormat)
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

func usable(f Format, ending, name string) (Format, error) {
	if f != "" {
		return f, nil
	}
	if ending == "html" {
		stem := "x"
		if n := len(name) - len(".html"); n > 0 && strings.EqualFold(name[n:], ".html") {
			stem = name[:n]
		}
		return "", fmt.Errorf("profscope: write %q: %w: .html needs the command line: write %s.prof, then run: profscope convert %s.prof %s.html (%s)",
			name, ErrFormat, stem, stem, stem, working)
	}
	return "", fmt.Errorf("profscope: write %q: %w: .%s is not in this version (%s)", name, ErrFormat, ending, working)
}
