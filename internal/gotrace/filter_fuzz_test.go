package gotrace_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/profscope/profscope/internal/gotrace"
)

// feedCut feeds b in pieces whose lengths the bytes of cuts are, over and over.
func feedCut(b, cuts []byte) []byte {
	var f gotrace.Filter
	var out []byte
	for i := 0; len(b) > 0; i++ {
		n := len(b)
		if len(cuts) > 0 {
			n = min(int(cuts[i%len(cuts)]), n)
			if n == 0 && i%len(cuts) == 0 { // no progress with zeros alone
				n = 1
			}
		}
		out = append(out, f.Feed(b[:n])...)
		b = b[n:]
	}
	return out
}

// FuzzFilter feeds a real trace, with some of its bytes changed, and arbitrary
// bytes: what comes out does not depend on how it is cut, nothing panics, and
// what is of a version unknown comes out as it went in.
func FuzzFilter(f *testing.F) {
	real := record(f, func(ctx context.Context) {
		for range 10 {
			nested(ctx, func() {})
		}
	})
	const header = "go 1.26 trace\x00\x00\x00"
	if !bytes.HasPrefix(real, []byte(header)) {
		f.Skipf("the filter knows another version than this Go's: %q", real[:16])
	}
	f.Add([]byte{}, []byte{}, uint32(0), byte(0))
	f.Add([]byte{1}, []byte("anything"), uint32(40), byte(1))
	f.Add([]byte{7, 0, 255}, []byte{1, 2, 3, 4, 5, 42, 1, 1, 1, 1}, uint32(100), byte(128))
	f.Add([]byte{3}, []byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, uint32(1000), byte(64))
	f.Fuzz(func(t *testing.T, cuts, arbitrary []byte, at uint32, change byte) {
		mutated := bytes.Clone(real)
		mutated[16+int(at)%(len(real)-16)] ^= change
		for name, in := range map[string][]byte{
			"real, changed": mutated,
			"arbitrary":     append([]byte(header), arbitrary...),
			"real, cut":     real[:int(at)%len(real)],
		} {
			whole := filter(in)
			if got := feedCut(in, cuts); !bytes.Equal(got, whole) {
				t.Errorf("%s: %d bytes if cut, %d if not", name, len(got), len(whole))
			}
			// A region of five bytes has its category's six more, and each
			// generation the names of the categories.
			if len(whole) > 3*len(in)+200*(1+bytes.Count(in, []byte{52})) {
				t.Errorf("%s: %d bytes out of %d", name, len(whole), len(in))
			}
		}
		for _, h := range []string{"go 1.21 trace\x00\x00\x00", "go 1.99 trace\x00\x00\x00", "something else!!"} {
			in := append([]byte(h), real[16:]...)
			if got := feedCut(in, cuts); !bytes.Equal(got, in) {
				t.Errorf("a trace that begins with %q is changed", h)
			}
		}
		in := append([]byte("x"), arbitrary...)
		if got := feedCut(in, cuts); !bytes.Equal(got, in) {
			t.Error("what is no trace is changed")
		}
	})
}
