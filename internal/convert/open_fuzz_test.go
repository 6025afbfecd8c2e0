package convert

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/profscope/profscope/internal/format"
)

// FuzzOpen gives anything to everything: whatever a file is taken for, it is
// refused, or its reports, its profile and its timeline can be made.
func FuzzOpen(f *testing.F) {
	for _, s := range []string{
		"main;work 5\n",
		`[{"ph":"X","name":"a","ts":1,"dur":2,"args":{"correlation":1}},{"ph":"B","ts":1},{"ph":"b","id":1,"ts":1}]`,
		`{"nodes":[{"id":1,"callFrame":{"functionName":"f"},"children":[2]},{"id":2}],"samples":[2],"timeDeltas":[9],"endTime":5}`,
		"heap profile: 1: 2 [3: 4] @ heapprofile\n 1: 2 [3: 4] @ 0x10 0x20\n",
		"{(\x03\x00\x00\x00z\x01fi\x01\x00\x00\x00z\x01g(\x05\x00\x00\x00i\x01\x00\x00\x00i\x01\x00\x00\x00g\x00\x00\x00\x00\x00\x00\x00\x00g\x00\x00\x00\x00\x00\x00\x00\x00{00",
		"go 1.19 trace\x00\x00\x00",
		"\n\x04\b\x01\x10\x02\x12\x03\x12\x01\x052\x002\x01a2\x01b",
	} {
		f.Add([]byte(s))
		var b bytes.Buffer
		zw := gzip.NewWriter(&b)
		_, _ = zw.Write([]byte(s))
		zw.Close()
		f.Add(b.Bytes())
		enc, err := zstd.NewWriter(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(enc.EncodeAll([]byte(s), nil))
	}
	if b, err := os.ReadFile(oneTrace); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			t.Skip("long inputs only make it slow")
		}
		in, err := Open("-", Options{Stdin: bytes.NewReader(data), bombSize: 1 << 20})
		if err != nil {
			return
		}
		rs := in.Reports()
		for _, r := range rs {
			for _, row := range r.Rows {
				if len(row) != len(r.Columns) {
					t.Errorf("report %s: a row of %d cells, and %d columns", r.Name, len(row), len(r.Columns))
				}
			}
		}
		for _, as := range format.ReportFormats {
			if err := format.Reports(io.Discard, rs, format.ReportOptions{Format: as}); err != nil {
				t.Errorf("%s: %v", as, err)
			}
		}
		if p := in.AsProfile(); p != nil {
			if err := p.CheckValid(); err != nil {
				t.Error(err)
			}
		}
		if in.Chrome == nil && in.Trace == nil {
			return
		}
		for _, ending := range []string{".pftrace", ".json"} {
			if _, err := DrawTimeline(io.Discard, []string{"-"}, ending, Options{Stdin: bytes.NewReader(data), bombSize: 1 << 20}); err != nil {
				t.Errorf("%s: %v", ending, err)
			}
		}
	})
}
