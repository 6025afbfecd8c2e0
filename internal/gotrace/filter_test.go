package gotrace_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/profscope/profscope/internal/gotrace"
)

// TestFilterLargeBatch has a batch of regions alone, nearly as long as a batch
// may be: as log events they are longer, and make two.
func TestFilterLargeBatch(t *testing.T) {
	const regions, begin, step = 10000, 1000, 3
	var body []byte
	for range regions {
		body = append(body, 42, step, 0, 1, 0) // time, task, name, stack
	}
	in := append([]byte("go 1.26 trace\x00\x00\x00"), 1, 7, 9) // generation, thread
	in = binary.AppendUvarint(in, begin)
	in = binary.AppendUvarint(in, uint64(len(body)))
	in = append(append(in, body...), 52)

	var f gotrace.Filter
	out := f.Feed(in)[16:]
	var batches, logs int
	var last uint64
	for len(out) > 0 && out[0] == 1 {
		out = out[1:]
		var v [4]uint64
		for i := range v {
			x, n := binary.Uvarint(out)
			v[i], out = x, out[n:]
		}
		events := out[:v[3]]
		out = out[v[3]:]
		if v[1] != 9 {
			continue // the names of the categories
		}
		batches++
		if v[0] != 7 || v[3] > 64<<10 {
			t.Errorf("a batch of generation %d with %d bytes", v[0], v[3])
		}
		last = v[2]
		for len(events) > 0 {
			logs++
			last += uint64(events[1])
			events = events[1:]
			for left := 5; left > 0; events = events[1:] { // time, task, category, message, stack
				if events[0] < 0x80 {
					left--
				}
			}
		}
	}
	if batches != 2 || logs != regions || last != begin+regions*step || !bytes.Equal(out, []byte{52}) {
		t.Errorf("%d batches, %d log events, the last at %d; %d bytes are left", batches, logs, last, len(out))
	}
}
