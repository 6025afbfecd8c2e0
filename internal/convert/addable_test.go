package convert

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/importer"
)

// TestMergedTypes: what cannot be added up says which file has what.
func TestMergedTypes(t *testing.T) {
	t.Parallel()
	files := "../../cmd/profscope/testdata/files/"
	var ins []*Input
	for _, name := range []string{"perf.folded", "perf.folded", "step.prof"} {
		in, err := Open(filepath.Join(files, name), Options{})
		if err != nil {
			t.Fatal(err)
		}
		ins = append(ins, in)
	}
	_, err := Merged(ins)
	want := "perf.folded has " + sampleTypes(ins[0].Profile) + ", and " + filepath.Join(files, "step.prof") + " has the sample types self/nanoseconds, cumulative/nanoseconds, calls/count: "
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v", err)
	}
}

func TestSum(t *testing.T) {
	t.Parallel()
	of := func(period string, v int64) *profile.Profile {
		p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "a", Unit: "count"}}, Sample: []*profile.Sample{{Value: []int64{v}}}}
		if period != "" {
			p.PeriodType = &profile.ValueType{Type: period, Unit: "nanoseconds"}
		}
		return p
	}
	if _, err := Sum([]*profile.Profile{of("", 1), of("cpu", 1)}); err == nil || err.Error() != "one has no period, and another a period of cpu/nanoseconds" {
		t.Errorf("%v", err)
	}
	if _, err := Sum([]*profile.Profile{of("", math.MaxInt64), of("", 1)}); !errors.Is(err, importer.ErrSums) {
		t.Errorf("%v", err)
	}
	if p, err := Sum([]*profile.Profile{of("", 1), of("", 2)}); err != nil || p.Sample[0].Value[0] != 3 {
		t.Errorf("%v %v", p, err)
	}
}
