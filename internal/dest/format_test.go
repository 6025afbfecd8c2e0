package dest

import (
	"errors"
	"strings"
	"testing"
)

func TestFormatOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, option string
		want         Format // "" is an error
		says         string // part of the error
	}{
		{"", "", Text, ""},
		{"-", "", Pprof, ""},
		{"x", "", Pprof, ""},
		{"x.out", "", Pprof, ""},
		{"x.gz", "", Pprof, ""},
		{"x.prof", "", Pprof, ""},
		{"x.PPROF", "", Pprof, ""},
		{"x.pb.gz", "", Pprof, ""},
		{"x.txt", "", Text, ""},
		{"dir.txt/x", "", Pprof, ""},
		{"mytxt", "", Pprof, ""}, // no dot, no ending
		{"X.Trace", "", Trace, ""},
		{"x.prof.txt", "", Text, ""},
		{"x.folded", "", Folded, ""},
		{"x.pftrace", "", Perfetto, ""},
		{"x.json", "", Chrome, ""},
		{"x.json.gz", "", ChromeGzip, ""},
		{"x.html", "", "", "profscope convert x.prof x.html"},
		{"a/b.HTML", "", "", "profscope convert a/b.prof a/b.html"},
		// The option wins, also over an ending that could not be written.
		{"x.html", "prof", Pprof, ""},
		{"x.txt", "prof", Pprof, ""},
		{"x.json", "pb.gz", Pprof, ""},
		{"", "pprof", Pprof, ""},
		{"-", "TXT", Text, ""},
		{"x", "trace", Trace, ""},
		{"x.prof", "html", "", "convert x.prof x.html"},
		{"x.prof", "folded", Folded, ""},
		{"x.prof", "nonsense", "", `"nonsense"`},
		{"x.prof", ".txt", "", `".txt"`}, // without the dot
	} {
		got, err := FormatOf(c.name, c.option)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("FormatOf(%q, %q) = %q, %v; want %q", c.name, c.option, got, err, c.want)
		}
		if err != nil && (!errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "txt")) {
			t.Errorf("FormatOf(%q, %q): %v; want it to be ErrFormat, to say %q and what works", c.name, c.option, err, c.says)
		}
	}
}
