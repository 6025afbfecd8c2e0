package format

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/profscope/profscope/internal/ledger"
)

// CPU writes the CPU samples of l as runtime/pprof writes a CPU profile: sample
// types samples/count and cpu/nanoseconds, no labels. Times are left out.
func CPU(w io.Writer, l *ledger.Ledger) error {
	if err := zipped(w, func(w io.Writer) error {
		p := newProto(w, l)
		p.cpu(l)
		return p.err
	}); err != nil {
		return fmt.Errorf("writing CPU profile: %w", err)
	}
	return nil
}

func (p *proto) cpu(l *ledger.Ledger) {
	for _, t := range valueTypes[:valueCPU+1] {
		p.out.put(profileSampleType, p.valueType(t.name, t.unit))
	}
	for _, e := range l.Book.Entries() { // in the order of the first samples
		if e.Samples == 0 {
			continue
		}
		s, m := &p.sub, &p.packed
		*s, *m = (*s)[:0], (*m)[:0]
		p.stack(m, e.Stack)
		s.put(sampleLocation, *m)
		*m = binary.AppendUvarint((*m)[:0], uint64(e.Samples))
		*m = binary.AppendUvarint(*m, uint64(e.Samples*int64(ledger.SamplePeriod)))
		s.put(sampleValue, *m)
		p.out.put(profileSample, *s)
		p.flush(64 << 10)
	}
	p.about(l)
	for _, n := range l.Notes {
		p.out.varint(profileComment, p.text(n))
	}
	p.tables()
}
