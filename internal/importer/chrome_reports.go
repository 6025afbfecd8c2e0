package importer

import (
	"cmp"
	"slices"
	"strings"

	"github.com/profscope/profscope/internal/ledger"
)

// Reports returns the tables that the trace has figures for.
func (t *ChromeTrace) Reports() []*ledger.Report {
	var rs []*ledger.Report
	for _, r := range []*ledger.Report{t.kernels(), t.memory(), t.api(), t.ops(), t.slices()} {
		if len(r.Rows) > 0 {
			rs = append(rs, r)
		}
	}
	return rs
}

func (t *ChromeTrace) summary(name, title string, which func(category) bool) *ledger.Report {
	var s summed
	for i := range t.events {
		if e := &t.events[i]; which(e.cat) {
			s.add(t, e)
		}
	}
	return ledger.SummaryReport(name, title, s.rows)
}

func (t *ChromeTrace) api() *ledger.Report {
	return t.summary("cuda_api", "Calls of the CUDA runtime and driver", func(c category) bool { return c == catRuntime || c == catDriver })
}

func (t *ChromeTrace) slices() *ledger.Report {
	return t.summary("slices", "Slices, by name", func(category) bool { return true })
}

// launches returns the API call of each correlation id, the first where an id
// comes twice.
func (t *ChromeTrace) launches() map[uint32]int32 {
	m := make(map[uint32]int32)
	for i := range t.events {
		e := &t.events[i]
		if (e.cat == catRuntime || e.cat == catDriver) && e.corr != 0 {
			if _, twice := m[e.corr]; !twice {
				m[e.corr] = int32(i)
			}
		}
	}
	return m
}

func (t *ChromeTrace) kernels() *ledger.Report {
	type more struct {
		shape   [5]string
		delay   int64
		delayed int64
	}
	var s summed
	var extra []more
	launch := t.launches()
	spans := make(map[string][][2]int64)
	for i := range t.events {
		e := &t.events[i]
		if e.cat.device() {
			d := strings.Split(t.names[e.detail]+"\x00\x00\x00\x00\x00", "\x00")[5]
			spans[d] = append(spans[d], [2]int64{e.ts, e.end()})
		}
		if e.cat != catKernel {
			continue
		}
		row := s.add(t, e)
		d := strings.Split(t.names[e.detail]+"\x00\x00\x00\x00\x00", "\x00")
		if row == len(extra) {
			extra = append(extra, more{shape: [5]string(d[:5])})
		}
		x := &extra[row]
		for j := range x.shape {
			if x.shape[j] != d[j] {
				x.shape[j] = "various"
			}
		}
		if l, ok := launch[e.corr]; ok {
			x.delay += e.ts - t.events[l].ts
			x.delayed++
		}
	}
	for i, x := range extra {
		v := ledger.Value{None: true}
		if x.delayed > 0 {
			v = ledger.Value{Float: float64(x.delay) / float64(x.delayed)}
		}
		s.rows[i].Extra = []ledger.Value{v}
		for _, text := range x.shape {
			s.rows[i].Extra = append(s.rows[i].Extra, ledger.Value{Text: text, None: text == ""})
		}
	}
	r := ledger.SummaryReport("gpu_kernels", "Kernels", s.rows, ledger.Column{Name: "Launch Delay Avg (ns)", Kind: ledger.Nanos},
		ledger.Column{Name: "Grid"}, ledger.Column{Name: "Block"}, ledger.Column{Name: "Registers"}, ledger.Column{Name: "Shared Memory"}, ledger.Column{Name: "Stream"})
	r.Notes = append(r.Notes, "Launch delay is from the begin of the API call to the begin of the kernel.")
	devices := make([]string, 0, len(spans))
	for d := range spans {
		devices = append(devices, d)
	}
	slices.Sort(devices)
	for _, d := range devices {
		busy, all := covered(spans[d])
		if all > 0 {
			r.Notes = append(r.Notes, "Device "+d+" was idle for "+percent(all-busy, all)+" of the time from its first to its last work.")
		}
	}
	return r
}

// covered returns how much of the time the spans cover, and how long it is
// from the first to the last.
func covered(spans [][2]int64) (busy, all int64) {
	slices.SortFunc(spans, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	end := spans[0][0]
	for _, s := range spans {
		if s[1] > end {
			busy += s[1] - max(s[0], end)
			end = s[1]
		}
	}
	return busy, end - spans[0][0]
}

func (t *ChromeTrace) memory() *ledger.Report {
	var s summed
	var bytes []int64
	for i := range t.events {
		if e := &t.events[i]; e.cat == catMemcpy || e.cat == catMemset {
			row := s.add(t, e)
			if row == len(bytes) {
				bytes = append(bytes, 0)
			}
			bytes[row] += e.bytes
		}
	}
	for i, n := range bytes {
		s.rows[i].Extra = []ledger.Value{{Int: n}}
	}
	return ledger.SummaryReport("gpu_mem", "Copies and sets of the device's memory", s.rows, ledger.Column{Name: "Total Bytes", Kind: ledger.Bytes})
}
