package importer

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/google/pprof/profile"
)

// maxV8Depth bounds stacks; V8 itself cuts them at 255 frames. A chain of nodes
// that are all sampled would cost the square of the file's length.
const maxV8Depth = 1024

// maxV8Nodes is ten times those of a long profile of a large program.
const maxV8Nodes = 1 << 19

// v8Profile is a .cpuprofile, as it is read.
type v8Profile struct {
	nodes    []v8Node
	index    map[int64]int32
	children []v8Child
	start    int64 // microseconds, like all times
	end      int64
	samples  []int64
	deltas   []int64
}

type v8Node struct {
	id, above int64 // above is the field parent, which some producers write
	frame     frame
	parent    int32
	samples   int64
	micros    int64
}

type v8Child struct {
	parent int32
	id     int64
}

// V8 reads a .cpuprofile, as Chrome's DevTools and node --cpu-prof write it
// (https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile):
// samples, and the time until the next in microseconds.
func V8(r io.Reader) (*profile.Profile, error) {
	s := newJSONScan(r)
	in := &v8Profile{index: make(map[int64]int32)}
	var fault error
	s.mark()
	ok := s.peek() == '{' && s.object(func(key []byte) bool {
		switch string(key) {
		case "nodes":
			return s.peek() == '[' && s.array(func() bool { fault = in.node(s); return fault == nil })
		case "startTime":
			return v8Int(s, &in.start)
		case "endTime":
			return v8Int(s, &in.end)
		case "samples":
			return v8Ints(s, &in.samples)
		case "timeDeltas":
			return v8Ints(s, &in.deltas)
		}
		return s.skip()
	})
	switch {
	case fault != nil:
		return nil, fmt.Errorf("read V8 profile: %w", fault)
	case s.err != nil && s.err != io.EOF:
		return nil, fmt.Errorf("read V8 profile: after %d bytes: %w", s.offset(), s.err)
	case !ok:
		return nil, fmt.Errorf("read V8 profile: it breaks off or is damaged at byte %d", s.offset())
	case len(in.nodes) == 0:
		return nil, errors.New("read V8 profile: it has no nodes")
	}
	if err := in.tree(); err != nil {
		return nil, fmt.Errorf("read V8 profile: %w", err)
	}
	if err := in.count(); err != nil {
		return nil, fmt.Errorf("read V8 profile: %w", err)
	}
	return in.profile(), nil
}

// v8Int reads a number of whole microseconds; a fraction is cut off.
func v8Int(s *jsonScan, to *int64) bool {
	b, ok := value(s)
	if v, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		*to = min(max(v, -maxNanos/1000), maxNanos/1000)
	} else if f, err := strconv.ParseFloat(string(b), 64); err == nil && f > -maxNanos/1000 && f < maxNanos/1000 {
		*to = int64(f)
	}
	return ok && len(b) > 0
}

func v8Ints(s *jsonScan, to *[]int64) bool {
	return s.peek() == '[' && s.array(func() bool {
		var v int64
		ok := v8Int(s, &v)
		*to = append(*to, v)
		return ok
	})
}

func (p *v8Profile) node(s *jsonScan) error {
	n := v8Node{parent: -1}
	at := int32(len(p.nodes))
	whole := s.peek() == '{' && s.object(func(key []byte) bool {
		switch string(key) {
		case "id":
			return v8Int(s, &n.id)
		case "parent":
			return v8Int(s, &n.above)
		case "children":
			return s.peek() == '[' && s.array(func() bool {
				c := v8Child{parent: at}
				ok := v8Int(s, &c.id)
				p.children = append(p.children, c)
				return ok
			})
		case "callFrame":
			return s.peek() == '{' && s.object(func(key []byte) bool {
				switch string(key) {
				case "functionName":
					b, ok := value(s)
					n.frame.name = string(b)
					return ok
				case "url":
					b, ok := value(s)
					n.frame.file = string(b)
					return ok
				case "lineNumber": // from 0
					ok := v8Int(s, &n.frame.line)
					n.frame.line++
					return ok
				}
				return s.skip()
			})
		}
		return s.skip()
	})
	if !whole {
		return fmt.Errorf("node %d of the file breaks off or is damaged at byte %d", at, s.offset())
	}
	if len(p.nodes) == maxV8Nodes {
		return fmt.Errorf("at byte %d: more than %d nodes, which no profile has", s.offset(), maxV8Nodes)
	}
	if _, twice := p.index[n.id]; twice {
		return fmt.Errorf("two nodes have the id %d", n.id)
	}
	n.frame.line = max(n.frame.line, 0)
	n.frame.start = n.frame.line
	p.index[n.id] = at
	p.nodes = append(p.nodes, n)
	return nil
}

// tree finds each node's parent.
func (p *v8Profile) tree() error {
	for _, c := range p.children {
		j, ok := p.index[c.id]
		if !ok {
			return fmt.Errorf("node %d has a child %d that is not there", p.nodes[c.parent].id, c.id)
		}
		if p.nodes[j].parent != -1 || j == c.parent {
			return fmt.Errorf("node %d has two parents, or is its own", c.id)
		}
		p.nodes[j].parent = c.parent
	}
	for i := range p.nodes {
		n := &p.nodes[i]
		if j, ok := p.index[n.above]; ok && n.above != 0 && j != int32(i) && n.parent == -1 {
			n.parent = j
		}
	}
	// Every way up must end. A node is looked at once: what was found good
	// before ends the walk.
	good := make([]int32, len(p.nodes)) // 0: not looked at, else the number of the walk
	for i := range p.nodes {
		walk := int32(i) + 1
		at := int32(i)
		for at != -1 && good[at] == 0 {
			good[at] = walk
			at = p.nodes[at].parent
		}
		if at != -1 && good[at] == walk {
			return fmt.Errorf("the nodes above node %d go in a circle", p.nodes[i].id)
		}
	}
	return nil
}

// count adds the samples up by node.
func (p *v8Profile) count() error {
	last := p.end - p.start
	for _, d := range p.deltas {
		last -= d
	}
	for i, id := range p.samples {
		at, ok := p.index[id]
		if !ok {
			return fmt.Errorf("sample %d is of node %d, which is not there", i, id)
		}
		// A delta is the time since the sample before; a sample counts until
		// the next.
		next := last
		if i+1 < len(p.deltas) {
			next = p.deltas[i+1]
		}
		n := &p.nodes[at]
		n.samples++
		n.micros = min(n.micros+min(max(next, 0), maxNanos/1000), maxNanos/1000)
	}
	var all sums
	for i := range p.nodes {
		if err := all.add(p.nodes[i].samples, p.nodes[i].micros*1000); err != nil {
			return err
		}
	}
	return nil
}

func (p *v8Profile) profile() *profile.Profile {
	b := newBuilder(&profile.ValueType{Type: "samples", Unit: "count"}, &profile.ValueType{Type: "cpu", Unit: "nanoseconds"})
	b.p.DefaultSampleType = "cpu"
	b.p.TimeNanos, b.p.DurationNanos = p.start*1000, max(p.end-p.start, 0)*1000
	var stack []*profile.Location
	for i := range p.nodes {
		if p.nodes[i].samples == 0 {
			continue
		}
		stack = stack[:0]
		for at := int32(i); at != -1; at = p.nodes[at].parent {
			f := p.nodes[at].frame
			if f.name == "(root)" {
				continue
			}
			if f.name == "" {
				f.name = "(anonymous)"
			}
			if len(stack) == maxV8Depth {
				stack = append(stack, b.location(frame{name: "(deeper than 1024 frames)"}))
				break
			}
			stack = append(stack, b.location(f))
		}
		b.add(stack, []int64{p.nodes[i].samples, p.nodes[i].micros * 1000}, nil)
	}
	return b.p
}
