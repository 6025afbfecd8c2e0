package convert

import (
	"math"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/format"
)

// TestDiffNothing: what is 0 in every file has no row and is counted, and a
// difference of nothing is known to be none, where nothing else is.
func TestDiffNothing(t *testing.T) {
	t.Parallel()
	profileOf := func(values map[string]int64) *profile.Profile {
		p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "wall", Unit: "nanoseconds"}}}
		for name, v := range values {
			p.Sample = append(p.Sample, &profile.Sample{Value: []int64{v},
				Location: []*profile.Location{{Line: []profile.Line{{Function: &profile.Function{Name: name}}}}}})
		}
		return p
	}
	before := profileOf(map[string]int64{"same": 5, "grew": 5, "gone": 5, "nothing": 0, "cancelled": -1})
	more := profileOf(map[string]int64{"cancelled": 1})
	after := profileOf(map[string]int64{"same": 5, "grew": 7, "nothing": 0, "nobody": 0})
	d, err := Diff([]*profile.Profile{before}, []*profile.Profile{after}, "")
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, row := range d.Report.Rows {
		got[row[len(row)-1].Text] = row[4].Text
	}
	for name, want := range map[string]string{"same": noDifference, "grew": notKnown, "gone": notKnown, "nothing": "", "nobody": "", "cancelled": notKnown, "[total]": notKnown} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	if notes := strings.Join(d.Report.Notes, "\n"); !strings.Contains(notes, "left out (2)") {
		t.Errorf("notes %q", notes)
	}
	// Files of a side may cancel out and are something all the same.
	if d, err = Diff([]*profile.Profile{before, more}, []*profile.Profile{after}, ""); err != nil {
		t.Fatal(err)
	}
	if last := d.Report.Rows[len(d.Report.Rows)-1]; last[len(last)-1].Text != "cancelled" || last[4].Text != noDifference {
		t.Errorf("the last row is %v", last)
	}
}

// TestDiffPerCall: growth is that of a call where both sides know their calls.
func TestDiffPerCall(t *testing.T) {
	t.Parallel()
	of := func(calls string, wall int64) *profile.Profile {
		p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "wall", Unit: "nanoseconds"}}, Sample: []*profile.Sample{{Value: []int64{wall}}}}
		if calls != "" {
			p.Comments = []string{format.CommentCalls + calls}
		}
		return p
	}
	for _, tt := range []struct {
		name          string
		before, after []*profile.Profile
		want          float64
		perCall       bool
	}{
		{"twice the calls", []*profile.Profile{of("1", 7)}, []*profile.Profile{of("2", 14)}, 0, true},
		{"a third, which has no exact quotient", []*profile.Profile{of("3", 7)}, []*profile.Profile{of("9", 21)}, 0, true},
		{"half of the calls, of twice the time", []*profile.Profile{of("4", 8)}, []*profile.Profile{of("2", 8)}, 1, true},
		{"outermost calls count", []*profile.Profile{of("700/20", 20)}, []*profile.Profile{of("20", 30)}, 0.5, true},
		{"several files", []*profile.Profile{of("1", 2), of("3", 6)}, []*profile.Profile{of("2", 8)}, 1, true},
		{"one side does not tell", []*profile.Profile{of("", 4)}, []*profile.Profile{of("2", 8)}, 1, false},
		{"one file does not tell", []*profile.Profile{of("1", 4), of("", 4)}, []*profile.Profile{of("2", 8)}, 1, false},
		{"nothing before", []*profile.Profile{of("1", 0)}, []*profile.Profile{of("1", 8)}, math.Inf(1), true},
	} {
		d, err := Diff(tt.before, tt.after, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Change(); got != tt.want || d.PerCall() != tt.perCall {
			t.Errorf("%s: %g, per call %t", tt.name, got, d.PerCall())
		}
	}
}
