package convert

import (
	"testing"

	"github.com/google/pprof/profile"
)

// TestReportsOfADifference: the values of a difference add up to 0, of which
// nothing is a share.
func TestReportsOfADifference(t *testing.T) {
	t.Parallel()
	fn := &profile.Function{ID: 1, Name: "main.f"}
	loc := &profile.Location{ID: 1, Line: []profile.Line{{Function: fn}}}
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "wall", Unit: "nanoseconds"}},
		Function:   []*profile.Function{fn}, Location: []*profile.Location{loc},
		Sample: []*profile.Sample{
			{Location: []*profile.Location{loc}, Value: []int64{5}, Label: map[string][]string{"state": {"running"}}},
			{Location: []*profile.Location{loc}, Value: []int64{-5}, Label: map[string][]string{"state": {"blocked"}}},
		},
	}
	rs := profileReports(p)
	if len(rs) != 2 {
		t.Fatalf("%d reports", len(rs))
	}
	for _, r := range rs {
		if len(r.Rows) == 0 {
			t.Errorf("%s has no rows", r.Name)
		}
		for _, row := range r.Rows {
			if !row[0].None {
				t.Errorf("%s: %v of nothing", r.Name, row[0].Float)
			}
		}
	}
}
