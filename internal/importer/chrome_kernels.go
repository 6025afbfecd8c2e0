package importer

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/profscope/profscope/internal/ledger"
)

// kernelFold makes the report gpu_kernels.
type kernelFold struct {
	t *ChromeTrace
	summed
	more    []kernelMore
	devices map[string]*deviceTime
	// Where consecutive slices have the same detail, and they often do, it is
	// taken apart once.
	detail uint32
	shape  shape
}

// kernelMore is what a row has beyond times.
type kernelMore struct {
	shape            shape
	delay, delayMost int64
	delayed          int64
}

const various = "various"

func newKernelFold(t *ChromeTrace) *kernelFold {
	return &kernelFold{t: t, devices: make(map[string]*deviceTime)}
}

func (k *kernelFold) shapeOf(e *slice) *shape {
	if e.detail != k.detail {
		k.detail, k.shape = e.detail, k.t.shape(e)
	}
	return &k.shape
}

func (k *kernelFold) kernel(e *slice) {
	row := k.add(k.t, e)
	s := k.shapeOf(e)
	if row == len(k.more) {
		k.more = append(k.more, kernelMore{shape: *s})
	}
	x := &k.more[row]
	for j := range x.shape {
		if x.shape[j] != s[j] {
			x.shape[j] = various
		}
	}
	if l, ok := k.t.launches[e.corr]; ok && e.corr != 0 {
		x.delay += e.ts - l.ts
		x.delayMost = max(x.delayMost, e.ts-l.ts)
		x.delayed++
	}
}

// busy counts a device's work of any kind.
func (k *kernelFold) busy(e *slice) {
	name := k.shapeOf(e)[shapeDevice]
	d := k.devices[name]
	if d == nil {
		d = new(deviceTime)
		k.devices[name] = d
	}
	d.add(e.ts, e.end())
}

func (k *kernelFold) report() *ledger.Report {
	for i, x := range k.more {
		mean, most := ledger.Value{None: true}, ledger.Value{None: true}
		if x.delayed > 0 {
			mean, most = ledger.Value{Float: float64(x.delay) / float64(x.delayed)}, ledger.Value{Float: float64(x.delayMost)}
		}
		idle := ledger.Value{None: true}
		if d := k.devices[x.shape[shapeDevice]]; d != nil {
			if share, ok := d.idle(); ok {
				idle = ledger.Value{Float: share}
			}
		}
		row := []ledger.Value{mean, most, idle}
		for _, text := range x.shape {
			row = append(row, ledger.Value{Text: text, None: text == ""})
		}
		k.rows[i].Extra = row
	}
	r := ledger.SummaryReport("gpu_kernels", "Kernels", k.rows,
		ledger.Column{Name: "Launch Delay Avg (ns)", Kind: ledger.Nanos}, ledger.Column{Name: "Launch Delay Max (ns)", Kind: ledger.Nanos},
		ledger.Column{Name: "Device Idle (%)", Kind: ledger.Percent},
		ledger.Column{Name: "Grid"}, ledger.Column{Name: "Block"}, ledger.Column{Name: "Registers"}, ledger.Column{Name: "Shared Memory"},
		ledger.Column{Name: "Stream"}, ledger.Column{Name: "Device"})
	r.Notes = append(r.Notes, "Launch delay is from the begin of the API call to the begin of the kernel.")
	for _, name := range slices.Sorted(maps.Keys(k.devices)) {
		if share, ok := k.devices[name].idle(); ok {
			shown := cmp.Or(name, "[not named]")
			r.Notes = append(r.Notes, fmt.Sprintf("Device %s was idle for %.1f %% of the time from its first to its last work.", shown, share))
		}
	}
	return r
}

// deviceTime is when a device had work: what its streams do at once counts
// once.
type deviceTime struct {
	spans [][2]int64 // sorted up to the last merge, with a tail that is not
	tail  int
}

// add keeps the list short: work that touches the last span makes it longer,
// and a long tail is merged.
func (d *deviceTime) add(begin, end int64) {
	if n := len(d.spans); n > 0 && begin >= d.spans[n-1][0] && begin <= d.spans[n-1][1] {
		d.spans[n-1][1] = max(d.spans[n-1][1], end)
		return
	}
	d.spans = append(d.spans, [2]int64{begin, end})
	if d.tail++; d.tail > len(d.spans)/2+1024 {
		d.merge()
	}
}

func (d *deviceTime) merge() {
	slices.SortFunc(d.spans, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	n := 0
	for _, s := range d.spans[1:] {
		if s[0] <= d.spans[n][1] {
			d.spans[n][1] = max(d.spans[n][1], s[1])
			continue
		}
		n++
		d.spans[n] = s
	}
	d.spans, d.tail = d.spans[:n+1], 0
}

// idle returns the share, of 100, of the time from the first to the last work
// in which there was none.
func (d *deviceTime) idle() (float64, bool) {
	d.merge()
	var busy int64
	for _, s := range d.spans {
		busy += s[1] - s[0]
	}
	all := d.spans[len(d.spans)-1][1] - d.spans[0][0]
	if all <= 0 {
		return 0, false
	}
	return 100 * float64(all-busy) / float64(all), true
}
