package importer

import (
	"strings"

	"github.com/profscope/profscope/internal/ledger"
)

// Reports returns the tables that the trace has figures for. It goes through
// the slices once, or twice where overheads need a thread.
func (t *ChromeTrace) Reports() []*ledger.Report {
	var all, api summed
	k := newKernelFold(t)
	m := new(memoryFold)
	o := newOpFold(t)
	t.slices.all(func(e *slice) bool {
		all.add(t, e)
		switch {
		case e.cat.api():
			api.add(t, e)
		case e.cat == catKernel:
			k.kernel(e)
		case e.cat == catMemcpy, e.cat == catMemset:
			m.add(t, e)
		}
		if e.cat.device() {
			k.busy(e)
		}
		o.add(e)
		return true
	})
	var rs []*ledger.Report
	for _, r := range []*ledger.Report{k.report(), m.report(),
		ledger.SummaryReport("cuda_api", "Calls of the CUDA runtime and driver", api.rows), o.report(),
		ledger.SummaryReport("slices", "Slices, by name", all.rows)} {
		if len(r.Rows) > 0 {
			rs = append(rs, r)
		}
	}
	return rs
}

// summed collects summaries by name.
type summed struct {
	at   map[uint32]int
	rows []ledger.Named
}

func (s *summed) add(t *ChromeTrace, e *slice) (row int) {
	if s.at == nil {
		s.at = make(map[uint32]int)
	}
	i, ok := s.at[e.name]
	if !ok {
		i = len(s.rows)
		s.at[e.name] = i
		s.rows = append(s.rows, ledger.Named{Name: t.names[e.name], Sum: new(ledger.Summary)})
	}
	s.rows[i].Sum.Add(e.dur)
	return i
}

// memoryFold makes the report gpu_mem.
type memoryFold struct {
	summed
	bytes []int64
}

func (m *memoryFold) add(t *ChromeTrace, e *slice) {
	row := m.summed.add(t, e)
	if row == len(m.bytes) {
		m.bytes = append(m.bytes, 0)
	}
	m.bytes[row] += e.bytes
}

func (m *memoryFold) report() *ledger.Report {
	for i, n := range m.bytes {
		m.rows[i].Extra = []ledger.Value{{Int: n}}
	}
	return ledger.SummaryReport("gpu_mem", "Copies and sets of the device's memory", m.rows, ledger.Column{Name: "Total Bytes", Kind: ledger.Bytes})
}

// shape is what a kernel was launched with, and where.
type shape [6]string

const (
	shapeGrid = iota
	shapeBlock
	shapeRegisters
	shapeShared
	shapeStream
	shapeDevice
)

func (t *ChromeTrace) shape(e *slice) (s shape) {
	for i, v := range strings.SplitN(t.names[e.detail], "\x00", len(s)) {
		s[i] = v
	}
	return s
}
