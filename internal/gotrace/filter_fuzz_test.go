package gotrace_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/profscope/profscope/internal/gotrace"
	"github.com/profscope/profscope/internal/wire"
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

// told returns what a trace tells, in the same words before and after the
// filter: each event with its thread and its time, regions that have become log
// events as the regions that they were, and all other batches as they are. What
// is no whole batch at the end is not told.
func told(b []byte) (all []string) {
	b = b[min(len(wire.Header), len(b)):]
	for {
		h, ok := wire.ReadBatch(b)
		if !ok || h.Head == 0 || h.Head+h.Body > len(b) {
			return all
		}
		body := b[h.Head : h.Head+h.Body]
		if names := bytes.Contains(body, []byte(gotrace.CategoryRegionBegin)); !names {
			events, ok := eventsOf(h, body)
			if !ok {
				events = []string{fmt.Sprintf("%q", b[:h.Head+h.Body])}
			}
			all = append(all, events...)
		}
		b = b[h.Head+h.Body:]
	}
}

func eventsOf(h wire.Batch, body []byte) (events []string, ok bool) {
	if h.Type != wire.TypeBatch {
		return nil, false
	}
	for i := 0; i < len(body); {
		end, ok := wire.EventEnd(body, i)
		if !ok {
			return nil, false
		}
		typ := body[i]
		var args []uint64
		for i++; i < end; {
			v, n := binary.Uvarint(body[i:end])
			if n <= 0 {
				return nil, false
			}
			args, i = append(args, v), i+n
		}
		h.Time += args[0]
		args = args[1:]
		if typ == wire.TypeLog && args[1]>>40 == 1 { // the ids that no trace has
			typ = wire.TypeRegionBegin + byte(args[1]&0xff) - 1
			args = slices.Delete(args, 1, 2)
		}
		events = append(events, fmt.Sprint(h.Generation, h.Thread, h.Time, typ, args))
	}
	return events, true
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
			if got, want := told(whole), told(in); !slices.Equal(got, want) {
				t.Errorf("%s: what comes out tells\n%q\nwant\n%q", name, got, want)
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
