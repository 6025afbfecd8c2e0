package launch

import (
	"strings"
	"testing"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/gotrace"
	"github.com/profscope/profscope/internal/ledger"
)

// TestNarrow: what --capture-range=scope:NAME takes for a name, and what it says
// of one that there is none of.
func TestNarrow(t *testing.T) {
	t.Parallel()
	all := []string{"/w/sub/a.prof", "part", "/w/sub/part", "/w/b.prof"}
	inputs := func() []*convert.Input {
		var ins []*convert.Input
		for range 2 { // pieces of one recording
			f := &gotrace.File{Whole: &ledger.Ledger{}}
			for _, name := range all {
				f.Scopes = append(f.Scopes, &gotrace.Scope{Ledger: &ledger.Ledger{Name: name}})
			}
			ins = append(ins, &convert.Input{Trace: f})
		}
		return ins
	}
	for want, name := range map[string]string{
		"part":          "part", // and not the file of that name, which comes later
		"a.prof":        "/w/sub/a.prof",
		"sub/a.prof":    "/w/sub/a.prof",
		"./sub/a.prof":  "/w/sub/a.prof",
		"/w/sub/a.prof": "/w/sub/a.prof",
		"b.prof":        "/w/b.prof",
	} {
		o, ins := Options{Range: "scope:" + want}, inputs()
		if err := o.narrow(ins); err != nil || ins[0].Trace.Whole.Name != name || ins[1].Trace.Whole.Name != name {
			t.Errorf("%s: %v, %q, want %q", want, err, ins[0].Trace.Whole.Name, name)
		}
	}
	o := Options{Range: "scope:prof"}
	if err := o.narrow(inputs()); err == nil || !strings.Contains(err.Error(), " but /w/b.prof, /w/sub/a.prof, /w/sub/part, part (scopes go by their files") {
		t.Error(err)
	}
}
