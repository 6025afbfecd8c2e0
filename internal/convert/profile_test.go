package convert

import (
	"slices"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/format"
)

// TestDiffProfileCalls: a sum tells the calls of all, a difference those of
// nobody.
func TestDiffProfileCalls(t *testing.T) {
	t.Parallel()
	of := func(comments ...string) *profile.Profile {
		return &profile.Profile{SampleType: []*profile.ValueType{{Type: "wall", Unit: "nanoseconds"}}, Comments: comments}
	}
	before, after := of("scope: work", format.CommentCalls+"100"), of("scope: work", format.CommentCalls+"100", format.CommentKept+"60 of 100 calls")
	sum, err := Sum([]*profile.Profile{before, after})
	if want := []string{"scope: work", format.CommentCalls + "160"}; err != nil || !slices.Equal(sum.Comments, want) {
		t.Errorf("the sum: %q, %v, want %q", sum.Comments, err, want)
	}
	d, err := DiffProfile(before, after)
	if want := []string{"scope: work"}; err != nil || !slices.Equal(d.Comments, want) {
		t.Errorf("the difference: %q, %v, want %q", d.Comments, err, want)
	}
	// Where one does not tell, the other's number is not the difference's either.
	d, err = DiffProfile(of("scope: work"), after)
	if want := []string{"scope: work"}; err != nil || !slices.Equal(d.Comments, want) {
		t.Errorf("the difference from one without: %q, %v, want %q", d.Comments, err, want)
	}
}

// TestMergedLeavesInputs: the inputs are shown by themselves, too.
func TestMergedLeavesInputs(t *testing.T) {
	t.Parallel()
	var ins []*Input
	for range 2 {
		in, err := Open("../../cmd/profscope/testdata/files/step.prof", Options{})
		if err != nil {
			t.Fatal(err)
		}
		ins = append(ins, in)
	}
	calls, _, _ := ins[0].Py.Totals()
	for range 2 {
		p, err := Merged(ins)
		if err != nil {
			t.Fatal(err)
		}
		at, err := sampleIndex(p, "calls")
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for _, s := range p.Sample {
			sum += s.Value[at]
		}
		if sum != 2*calls {
			t.Errorf("%d calls in both, %d in each", sum, calls)
		}
		if n, _, _ := ins[0].Py.Totals(); n != calls {
			t.Errorf("the first has %d calls now, and had %d", n, calls)
		}
	}
}
