package importer

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/profscope/profscope/internal/ledger"
)

// rawEvent is an event as encoding/json sees it.
type rawEvent struct {
	Ph, Cat, Name string
	TS, Dur       float64
	Args          map[string]any
}

func rawEvents(t *testing.T, name string) []rawEvent {
	t.Helper()
	var in struct{ TraceEvents []rawEvent }
	if err := json.Unmarshal(gunzipped(t, name), &in); err != nil {
		t.Fatal(err)
	}
	return in.TraceEvents
}

func reportOf(t *testing.T, c *ChromeTrace, name string) *ledger.Report {
	t.Helper()
	for _, r := range c.Reports() {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("there is no report %s", name)
	return nil
}

// text shows an argument as a row does.
func rawText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		var all []string
		for _, x := range v {
			all = append(all, rawText(x))
		}
		return strings.Join(all, "x")
	case float64:
		return fmt.Sprint(int64(v))
	}
	return fmt.Sprint(v)
}

// TestKernelColumns computes all that a row of gpu_kernels has, from the JSON
// and by the words' definitions.
func TestKernelColumns(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"torch_trace.json.gz", "torch_graph.json.gz", "torch_rank0.json.gz", "torch_rank1.json.gz"} {
		c, _ := chromeFixture(t, file)
		r := reportOf(t, c, "gpu_kernels")
		launches := make(map[float64]float64)
		kernels := make(map[string][]rawEvent)
		type edge struct {
			at    float64
			begin bool
		}
		work := make(map[string][]edge)
		for _, e := range rawEvents(t, file) {
			switch e.Cat {
			case "cuda_runtime", "cuda_driver":
				if id, ok := e.Args["correlation"].(float64); ok {
					launches[id] = e.TS
				}
			case "kernel":
				kernels[e.Name] = append(kernels[e.Name], e)
				fallthrough
			case "gpu_memcpy", "gpu_memset":
				d := rawText(e.Args["device"])
				work[d] = append(work[d], edge{e.TS, true}, edge{e.TS + e.Dur, false})
			}
		}
		idle := make(map[string]float64)
		for d, edges := range work {
			sort.Slice(edges, func(i, j int) bool { return edges[i].at < edges[j].at })
			none, open := 0.0, 0
			for i, e := range edges {
				if open == 0 && i > 0 {
					none += e.at - edges[i-1].at
				}
				if e.begin {
					open++
				} else {
					open--
				}
			}
			idle[d] = 100 * none / (edges[len(edges)-1].at - edges[0].at)
		}
		if len(r.Rows) != len(kernels) {
			t.Errorf("%s: %d rows, want %d", file, len(r.Rows), len(kernels))
		}
		near := func(what, name string, got, want float64) {
			if math.Abs(got-want) > 1+math.Abs(want)*1e-6 {
				t.Errorf("%s: %s of %.40s is %v, want %v", file, what, name, got, want)
			}
		}
		for _, row := range r.Rows {
			get := func(column_ string) ledger.Value { return row[column(t, r, column_)] }
			name := get("Name").Text
			var durations, delays []float64
			shapes := make(map[string]map[string]bool)
			for _, e := range kernels[name] {
				durations = append(durations, math.Round(1000*e.Dur))
				if at, ok := launches[e.Args["correlation"].(float64)]; ok {
					delays = append(delays, 1000*(e.TS-at))
				}
				for column_, arg := range map[string]string{"Grid": "grid", "Block": "block", "Registers": "registers per thread",
					"Shared Memory": "shared memory", "Stream": "stream", "Device": "device"} {
					if shapes[column_] == nil {
						shapes[column_] = make(map[string]bool)
					}
					shapes[column_][rawText(e.Args[arg])] = true
				}
			}
			slices.Sort(durations)
			n := len(durations)
			mean, square := 0.0, 0.0
			for _, d := range durations {
				mean += d / float64(n)
			}
			for _, d := range durations {
				square += (d - mean) * (d - mean)
			}
			near("mean", name, get("Avg (ns)").Float, mean)
			near("median", name, get("Med (ns)").Float, (durations[(n-1)/2]+durations[n/2])/2)
			if n > 1 {
				near("standard deviation", name, get("StdDev (ns)").Float, math.Sqrt(square/float64(n-1)))
			}
			if len(delays) != n {
				t.Errorf("%s: %d of %d kernels %.40s have a launch", file, len(delays), n, name)
			}
			sum := 0.0
			for _, d := range delays {
				sum += d
			}
			// Times of that size have lost digits in encoding/json's floats.
			if got := get("Launch Delay Avg (ns)").Float; math.Abs(got-sum/float64(n)) > 1000 {
				t.Errorf("%s: launch delay of %.40s is %v, want %v", file, name, got, sum/float64(n))
			}
			if got := get("Launch Delay Max (ns)").Float; math.Abs(got-slices.Max(delays)) > 1000 {
				t.Errorf("%s: longest launch delay of %.40s is %v, want %v", file, name, got, slices.Max(delays))
			}
			for column_, values := range shapes {
				got := get(column_).Text
				if want := len(values) == 1; want != (got != various) || want && !values[got] {
					t.Errorf("%s: %s of %.40s is %q, the file has %v", file, column_, name, got, values)
				}
			}
			if d := get("Device").Text; d != various {
				if got := get("Device Idle (%)").Float; math.Abs(got-idle[d]) > 0.01 {
					t.Errorf("%s: device %s was idle for %v %%, want %v", file, d, got, idle[d])
				}
			}
		}
	}
}

// TestDeviceTimeAddsUp: what operators, graphs and neither have is all that the
// device did, once what overheads have twice is taken off.
func TestDeviceTimeAddsUp(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"torch_trace.json.gz", "torch_graph.json.gz", "torch_rank0.json.gz"} {
		c, _ := chromeFixture(t, file)
		var device, overheads float64
		isOverhead := make(map[string]bool)
		for _, e := range rawEvents(t, file) {
			switch e.Cat {
			case "kernel", "gpu_memcpy", "gpu_memset":
				device += math.Round(1000 * e.Dur)
			case "overhead":
				isOverhead[e.Name] = true
			}
		}
		r := reportOf(t, c, "ops")
		var booked, graphs float64
		for _, row := range r.Rows {
			name, self := row[column(t, r, "Name")].Text, row[column(t, r, "Device Self (ns)")].Float
			switch {
			case row[column(t, r, "On")].Text != "CPU":
				continue
			case isOverhead[name]:
				overheads += self
				continue
			case name == graphWork:
				graphs = self
			}
			booked += self
		}
		if booked != device {
			t.Errorf("%s: %v ns are booked, the device worked for %v; overheads have %v", file, booked, device, overheads)
		}
		if (graphs > 0) != (file == "torch_graph.json.gz") {
			t.Errorf("%s: %v ns of graphs", file, graphs)
		}
	}
}
