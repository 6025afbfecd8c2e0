package importer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

// TestSums: values that each are possible and together are not make no figure
// that has wrapped, in a file of any kind.
func TestSums(t *testing.T) {
	t.Parallel()
	ofProfile := func(values ...int64) string {
		p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "a", Unit: "count"}}, PeriodType: &profile.ValueType{}}
		for _, v := range values {
			p.Sample = append(p.Sample, &profile.Sample{Value: []int64{v}})
		}
		var b bytes.Buffer
		if err := p.WriteUncompressed(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	v8 := func(micros string) string {
		return `{"nodes":[{"id":1,"callFrame":{"functionName":"f"},"children":[2,3,4,5,6]},{"id":2},{"id":3},{"id":4},{"id":5},{"id":6}],
			"startTime":0,"endTime":1,"samples":[1,2,3,4,5,6],"timeDeltas":[0,` + strings.Repeat(micros+",", 4) + micros + `]}`
	}
	python := func(functions int) string {
		b := []byte{'{'}
		for i := range functions {
			b = append(b, "(\x03\x00\x00\x00z\x04a.pyi\x01\x00\x00\x00z\x01"...)
			b = append(b, byte('a'+i))
			b = append(b, "(\x05\x00\x00\x00i\x02\x00\x00\x00i\x02\x00\x00\x00g\x00\x00\x00\x00\x00\x00\xf0?g"...)
			b = append(binary.LittleEndian.AppendUint64(b, math.Float64bits(9e8)), "{0"...)
		}
		return string(append(b, '0'))
	}
	for _, tt := range []struct {
		kind, in, want string // "" is no error
	}{
		{"folded", "a;b 9223372036854775806\na;c 1\n", ""},
		{"folded", "a;b 9223372036854775807\na;b 9223372036854775807\na;c 1\n", "line 2: up to here"},
		{"folded", "a;b 9223372036854775807\na;c 1\n", "line 2: up to here"}, // in sum under a
		{"folded", "# what two say\na -9223372036854775807\nb 1\n", "line 3: up to here"},
		{"folded", "a -9223372036854775808\n", "line 1: up to here"},
		{"pprof", ofProfile(math.MaxInt64-5, -5), ""},
		{"pprof", ofProfile(1, math.MaxInt64), "sample 2: up to here"},
		{"V8", v8("1800000000000000"), ""},
		{"V8", v8("2305843009213693"), "up to here"},
		{"cProfile", python(10), ""},
		{"cProfile", python(11), "up to here"},
	} {
		_, err := smallest[tt.kind].read(strings.NewReader(tt.in))
		if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, ErrSums) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s, %.60q: %v, want %q", tt.kind, tt.in, err, tt.want)
		}
	}
}

// TestSumsOfChrome: of a damaged trace the rest is read.
func TestSumsOfChrome(t *testing.T) {
	t.Parallel()
	var in strings.Builder
	for i := range 6 {
		fmt.Fprintf(&in, `{"ph":"X","name":"long","tid":%d,"ts":1,"dur":2000000000000000},`, i)
	}
	c, err := Chrome(io.MultiReader(strings.NewReader("["+in.String()), strings.NewReader(`{"ph":"X","name":"short","ts":1,"dur":1}]`)))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) != 1 || !strings.HasPrefix(c.Warnings[0], "2 events are damaged: with those before them") {
		t.Errorf("%q", c.Warnings)
	}
	var total int64
	for _, s := range c.Profile().Sample {
		if s.Value[0] < 0 {
			t.Errorf("%v", s)
		}
		total += s.Value[0]
	}
	if want := int64(4*2_000_000_000_000_000_000 + 1000); total != want {
		t.Errorf("%d ns, want %d", total, want)
	}
}
