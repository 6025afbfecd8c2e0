package importer

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/profscope/profscope/internal/ledger"
)

func gunzipped(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type testEvent struct {
	Ph, Cat, Name string
	TS, Dur       float64
	Args          struct{ Bytes int64 }
}

func chromeFixture(t *testing.T, name string) (*ChromeTrace, []testEvent) {
	t.Helper()
	data := gunzipped(t, name)
	var plain struct{ TraceEvents []testEvent }
	if err := json.Unmarshal(data, &plain); err != nil {
		t.Fatal(err)
	}
	c, err := Chrome(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings of a whole file: %q", c.Warnings)
	}
	if c.Events != int64(len(plain.TraceEvents)) {
		t.Errorf("%d events, the file has %d", c.Events, len(plain.TraceEvents))
	}
	return c, plain.TraceEvents
}

func wholeNanos(us float64) int64 { return int64(math.Round(us * 1000)) }

func column(t *testing.T, r *ledger.Report, name string) int {
	t.Helper()
	for i, c := range r.Columns {
		if c.Name == name {
			return i
		}
	}
	t.Fatalf("report %s has no column %q", r.Name, name)
	return -1
}

// TestChromeSums compares every row with sums made by encoding/json.
func TestChromeSums(t *testing.T) {
	t.Parallel()
	of := map[string][]string{"gpu_kernels": {"kernel"}, "gpu_mem": {"gpu_memcpy", "gpu_memset"}, "cuda_api": {"cuda_runtime", "cuda_driver"}}
	for _, file := range []string{"torch_trace.json.gz", "torch_graph.json.gz", "torch_rank0.json.gz"} {
		c, events := chromeFixture(t, file)
		seen := 0
		for _, r := range c.Reports() {
			cats, ok := of[r.Name]
			if !ok {
				continue
			}
			seen++
			type sum struct{ total, n, min, max, bytes int64 }
			want := make(map[string]sum)
			for _, e := range events {
				if e.Ph != "X" || !strings.Contains(strings.Join(cats, " ")+" ", e.Cat+" ") || e.Cat == "" {
					continue
				}
				s, d := want[e.Name], wholeNanos(e.Dur)
				if s.n == 0 || d < s.min {
					s.min = d
				}
				s.total, s.n, s.max, s.bytes = s.total+d, s.n+1, max(s.max, d), s.bytes+e.Args.Bytes
				want[e.Name] = s
			}
			if len(r.Rows) != len(want) {
				t.Errorf("%s %s: %d rows, want %d", file, r.Name, len(r.Rows), len(want))
			}
			for _, row := range r.Rows {
				name := row[len(row)-1].Text
				got := sum{int64(row[1].Float), row[2].Int, int64(row[5].Float), int64(row[6].Float), want[name].bytes}
				if r.Name == "gpu_mem" {
					got.bytes = row[column(t, r, "Total Bytes")].Int
				}
				if got != want[name] {
					t.Errorf("%s %s %s: %+v, want %+v", file, r.Name, name, got, want[name])
				}
			}
		}
		if seen != 3 {
			t.Errorf("%s: %d of 3 reports", file, seen)
		}
	}
}

// TestChromeOps compares with what torch itself computed.
func TestChromeOps(t *testing.T) {
	t.Parallel()
	for file, averages := range map[string]string{"torch_trace.json.gz": "key_averages.json", "torch_graph.json.gz": "torch_graph_averages.json"} {
		c, _ := chromeFixture(t, file)
		rows, unbooked := opRows(c)
		got := make(map[string]opRow)
		for _, r := range rows {
			got[fmt.Sprint(r.name, r.device)] = r
		}
		data, err := os.ReadFile("testdata/" + averages)
		if err != nil {
			t.Fatal(err)
		}
		var want []struct {
			Key        string  `json:"key"`
			Count      int64   `json:"count"`
			SelfCPU    float64 `json:"self_cpu_us"`
			CPU        float64 `json:"cpu_us"`
			SelfDevice float64 `json:"self_device_us"`
			Device     float64 `json:"device_us"`
			Type       string  `json:"device_type"`
		}
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		if len(rows) != len(want) {
			t.Errorf("%s: %d rows, torch has %d", file, len(rows), len(want))
		}
		near := func(ns int64, us float64) bool { return math.Abs(float64(ns)/1000-us) <= 0.1 }
		for _, w := range want {
			r := got[fmt.Sprint(w.Key, w.Type != "DeviceType.CPU")]
			device := near(r.selfDevice, w.SelfDevice) && near(r.allDevice, w.Device)
			if file == "torch_graph.json.gz" && w.SelfDevice <= 0.9 {
				// torch takes the correlation 100 of a query, which starts no work, for
				// the External id 100 of a copy, and books its 0.896 us there once more.
				switch w.Key {
				case "cudaStreamIsCapturing":
					device = r.selfDevice == 0 && r.allDevice == 0
				case "graph_step":
					device = r.selfDevice == 0 && near(r.allDevice+896, w.Device)
				}
			}
			if r.count != w.Count || !near(r.selfCPU, w.SelfCPU) || !near(r.cpu, w.CPU) || !device {
				t.Errorf("%s: %+v, torch has %+v", file, r, w)
			}
		}
		if (unbooked > 0) != (file == "torch_graph.json.gz") {
			t.Errorf("%s: %d ns of no operator", file, unbooked)
		}
	}
}

func TestChromeProfile(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"torch_trace.json.gz", "torch_graph.json.gz", "torch_rank0.json.gz"} {
		c, events := chromeFixture(t, file)
		p := c.Profile()
		if err := p.CheckValid(); err != nil {
			t.Fatal(err)
		}
		var got, want [2]int64
		lost := int64(0)
		for _, s := range p.Sample {
			got[0] += s.Value[0]
			got[1] += s.Value[1]
			if s.Location[0].Line[0].Function.Name == "(launch not in the file)" {
				lost += s.Value[0]
			}
			if c.Rank != "" && s.Label["rank"][0] != "0" {
				t.Errorf("%s: rank %q", file, s.Label["rank"])
			}
		}
		for _, e := range events {
			switch e.Cat {
			case "kernel":
				want[0] += wholeNanos(e.Dur)
			case "gpu_memcpy", "gpu_memset":
				want[1] += wholeNanos(e.Dur)
			}
		}
		if got != want || lost != 0 {
			t.Errorf("%s: kernels and memory %v, want %v; %d without a launch", file, got, want, lost)
		}
	}
}

func TestRanks(t *testing.T) {
	t.Parallel()
	c0, _ := chromeFixture(t, "torch_rank0.json.gz")
	c1, _ := chromeFixture(t, "torch_rank1.json.gz")
	if r := Ranks([]*ChromeTrace{c0, nil}); r != nil {
		t.Errorf("a report of one rank: %v", r)
	}
	r := Ranks([]*ChromeTrace{c1, c0})
	if r == nil || len(r.Rows) != 2 {
		t.Fatalf("report %v", r)
	}
	// Four all-reduces: rank 0 came last to the first, rank 1 to the others.
	for i, want := range [][4]float64{{4, 4488964, 1, 337535354}, {4, 337535354, 3, 4488964}} {
		row := r.Rows[i]
		if got := [4]float64{float64(row[1].Int), row[2].Float, float64(row[3].Int), row[4].Float}; got != want {
			t.Errorf("rank %s: %v, want %v", row[0].Text, got, want)
		}
	}
}

func TestChromeDamaged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		err   bool
		warns int
		rows  int
	}{
		{`[{"ph":"X","name":"a","ts":1,"dur":2}`, false, 1, 1},
		{`[{"ph":"E","ts":5},{"ph":"B","name":"a","ts":1},{"ph":"B","name":"b","ts":9}]`, false, 1, 2},
		{`[{"ph":"X","name":"a","ts":NaN,"dur":2},{"ph":"X","ts":1,"dur":-2},{"ph":"X","ts":18446744073709551616,"dur":1}]`, false, 1, 0},
		{`{"traceEvents":[1,"x",null,{"ph":3,"args":[]}]}`, false, 1, 0},
		{`{"traceEvents":7}`, true, 0, 0},
		{`{"a":` + strings.Repeat("[", 1_000_000), true, 0, 0},
		{`[` + strings.Repeat(`{"a":`, 1_000_000), true, 0, 0},
		{`no`, true, 0, 0},
		{`[{"args":{"correlation":{}},"ph":"b","id":"1","name":"a\u00e9\"","ts":1e3},{"ph":"e","id":"1","name":"aé\"","ts":2000.0005}]`, false, 0, 1},
	} {
		got, err := Chrome(strings.NewReader(c.in))
		short := c.in[:min(len(c.in), 60)]
		if (err != nil) != c.err {
			t.Errorf("%s: error %v", short, err)
		}
		if err != nil {
			continue
		}
		rows := 0
		for _, r := range got.Reports() {
			if r.Name == "slices" {
				rows = len(r.Rows)
			}
		}
		if len(got.Warnings) != c.warns || rows != c.rows {
			t.Errorf("%s: %d slices, warnings %q", short, rows, got.Warnings)
		}
	}
}

// TestChromeNothing: JSON that only looks like a trace, and a trace that shows
// nothing, are refused, and one event is enough.
func TestChromeNothing(t *testing.T) {
	t.Parallel()
	const metadata = `{"ph":"M","name":"process_name","pid":1,"args":{"name":"x"}}`
	for _, c := range []struct{ in, want string }{
		{`[]`, "there is no event in it"},
		{`{"traceEvents":[]}`, "there is no event in it"},
		{`{"traceEvents":[1,"x"]}`, "there is no event in it"},
		{`[{"a":1},{"b":2}]`, "none of its objects (2) has"},
		{`[{"key":"aten::mm","count":2,"name":"x","ts":1,"dur":2}`, "none of its objects (1) has"}, // broken off
		{`{"traceEvents":[{"ph":""},[{}]]}`, "none of its objects (2) has"},
		{`[` + metadata + `,{"a":1},` + metadata + `]`, `metadata alone, "ph": "M" (2)`},
		{`[` + metadata + `,{"ph":"C","name":"x","ts":1}]`, ""},
		{`[{"a":1},{"ph":"i","ts":1}]`, ""},
	} {
		got, err := Chrome(strings.NewReader(c.in))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.in, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, error %v, want %q", c.in, got, err, c.want)
		}
	}
	broken := errors.New("broken")
	if _, err := Chrome(io.MultiReader(strings.NewReader(`[`+metadata+`,`), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("what cannot be read on has error %v", err)
	}
}

// TestChromeDeep is a file whose stacks would take the square of its length.
func TestChromeDeep(t *testing.T) {
	t.Parallel()
	var in strings.Builder
	const n = 20_000
	in.WriteByte('[')
	for i := range n {
		fmt.Fprintf(&in, `{"ph":"X","name":"f","ts":%d,"dur":%d},`, i, 2*(n-i))
	}
	in.WriteByte(']')
	c, err := Chrome(strings.NewReader(in.String()))
	if err != nil {
		t.Fatal(err)
	}
	p := c.Profile()
	var sum int64
	for _, s := range p.Sample {
		sum += s.Value[0]
		if len(s.Location) > maxCalls {
			t.Fatalf("a stack of %d", len(s.Location))
		}
	}
	if sum != 2*n*1000 || len(p.Comments) != 1 {
		t.Errorf("%d ns in all, want %d; comments %q", sum, 2*n*1000, p.Comments)
	}
}

func FuzzChrome(f *testing.F) {
	f.Add([]byte(`[{"ph":"X","cat":"kernel","name":"a","ts":1.5,"dur":2,"args":{"correlation":1,"grid":[1,2,3]}}]`))
	f.Add([]byte(`{"distributedInfo":{"rank":1},"traceEvents":[{"ph":"B","ts":1,"name":"a\n"},{"ph":"E","ts":2}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Chrome(bytes.NewReader(data))
		if err != nil {
			return
		}
		c.Reports()
		if err := c.Profile().CheckValid(); err != nil {
			t.Error(err)
		}
	})
}

// opRows returns the rows and the device time of no operator.
func opRows(t *ChromeTrace) ([]opRow, int64) {
	o := newOpFold(t)
	t.slices.all(func(e *slice) bool {
		o.add(e)
		return true
	})
	graphs, others := o.finish()
	return o.rows, graphs.nanos + others.nanos
}
