package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/google/pprof/profile"
)

// V8 reads a .cpuprofile, as Chrome's DevTools and node --cpu-prof write it
// (https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile):
// samples, and the time until the next in microseconds.
func V8(r io.Reader) (*profile.Profile, error) {
	data, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("read V8 profile: %w", err)
	}
	var in struct {
		Nodes []struct {
			ID   int64 `json:"id"`
			Call struct {
				Function string `json:"functionName"`
				URL      string `json:"url"`
				Line     int64  `json:"lineNumber"` // from 0
			} `json:"callFrame"`
			Children []int64 `json:"children"`
			Parent   int64   `json:"parent"`
		} `json:"nodes"`
		Start   int64   `json:"startTime"`
		End     int64   `json:"endTime"`
		Samples []int64 `json:"samples"`
		Deltas  []int64 `json:"timeDeltas"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("read V8 profile: %w", err)
	}
	if len(in.Nodes) == 0 {
		return nil, errors.New("read V8 profile: it has no nodes")
	}
	index := make(map[int64]int, len(in.Nodes))
	for i, n := range in.Nodes {
		if _, twice := index[n.ID]; twice {
			return nil, fmt.Errorf("read V8 profile: two nodes have the id %d", n.ID)
		}
		index[n.ID] = i
	}
	parent := make([]int, len(in.Nodes))
	for i := range parent {
		parent[i] = -1
	}
	for i, n := range in.Nodes {
		for _, c := range n.Children {
			j, ok := index[c]
			if !ok {
				return nil, fmt.Errorf("read V8 profile: node %d has a child %d that is not there", n.ID, c)
			}
			if parent[j] != -1 || j == i {
				return nil, fmt.Errorf("read V8 profile: node %d has two parents, or is its own", c)
			}
			parent[j] = i
		}
		if j, ok := index[n.Parent]; ok && n.Parent != 0 && j != i && parent[i] == -1 {
			parent[i] = j
		}
	}
	b := newBuilder(&profile.ValueType{Type: "samples", Unit: "count"}, &profile.ValueType{Type: "cpu", Unit: "nanoseconds"})
	b.p.DefaultSampleType = "cpu"
	b.p.TimeNanos, b.p.DurationNanos = in.Start*1000, max(in.End-in.Start, 0)*1000
	var stack []*profile.Location
	for i, id := range in.Samples {
		at, ok := index[id]
		if !ok {
			return nil, fmt.Errorf("read V8 profile: sample %d is of node %d, which is not there", i, id)
		}
		// A delta is the time since the sample before; a sample counts until
		// the next.
		next := in.End - in.Start
		if i+1 < len(in.Deltas) {
			next = in.Deltas[i+1]
		} else {
			for _, d := range in.Deltas {
				next -= d
			}
		}
		stack = stack[:0]
		for ; at != -1; at = parent[at] {
			if len(stack) > len(in.Nodes) {
				return nil, fmt.Errorf("read V8 profile: the nodes above node %d go in a circle", id)
			}
			n := &in.Nodes[at]
			if n.Call.Function == "(root)" {
				continue
			}
			name := n.Call.Function
			if name == "" {
				name = "(anonymous)"
			}
			stack = append(stack, b.location(frame{name: name, file: n.Call.URL, line: n.Call.Line + 1, start: n.Call.Line + 1}))
		}
		b.add(stack, []int64{1, max(next, 0) * 1000}, nil)
	}
	return b.p, nil
}
