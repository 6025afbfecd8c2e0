package format

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"

	"github.com/profscope/profscope/internal/ledger"
)

// Chrome is a timeline as Chrome trace events, in the object form
// (https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU):
// for chrome://tracing, Perfetto and speedscope. Times are microseconds with
// three decimals, from the first one on: an absolute one would lose its digits
// in a reader's floating point. Tracks at the top are processes, those below
// them threads. CPU samples are left out: no reader draws them.
//
// Slices are pairs of events, "B" and "E", and not one "X" with a duration,
// which is half as long: a reader that adds begin and duration in floating
// point gets an end that is not the next slice's begin, and speedscope then
// loses slices. It also wants an end to have the arguments of its begin, where
// chrome://tracing wants an end to have none: so neither has any. Stacks are
// chrome://tracing's stackFrames, and arguments stand on an instant at the
// begin.
type Chrome struct {
	w      *bufio.Writer
	sink   *sink
	stacks *ledger.Stacks

	begun  bool
	base   int64
	based  bool
	wall   int64 // at base; 0 if not known
	comma  bool
	tracks map[ledger.TrackID]chromeTrack
	open   map[ledger.TrackID][]chromeText
	line   []byte
	used   []bool // stacks that events name, by id
}

// chromeText is what the begin and the end of a slice have in common.
type chromeText struct{ name, category string }

type chromeTrack struct {
	pid, tid uint64
	name     string
}

// NewChrome returns a timeline that writes to w.
func NewChrome(w io.Writer, t *ledger.Stacks) *Chrome {
	s := &sink{w: w}
	return &Chrome{w: bufio.NewWriterSize(s, 64<<10), sink: s, stacks: t,
		tracks: make(map[ledger.TrackID]chromeTrack), open: make(map[ledger.TrackID][]chromeText)}
}

// Clock implements [ledger.Timeline].
func (c *Chrome) Clock(ns, unixNanos int64) {
	c.base, c.based, c.wall = ns, true, unixNanos
}

// next begins an event; what follows is its fields.
func (c *Chrome) next() {
	if !c.begun {
		c.begun = true
		c.line = append(c.line[:0], `{"displayTimeUnit":"ns",`...)
		if c.wall != 0 {
			c.line = fmt.Appendf(c.line, `"baseTimeNanoseconds":%d,`, c.wall)
		}
		c.line = append(c.line, `"traceEvents":[`...)
		_, _ = c.w.Write(c.line) // the sink keeps the error
	}
	c.line = c.line[:0]
	if c.comma {
		c.line = append(c.line, ',')
	}
	c.comma = true
	c.line = append(c.line, '\n', '{')
}

func (c *Chrome) send() {
	c.line = append(c.line, '}')
	_, _ = c.w.Write(c.line)
}

// key begins a field.
func (c *Chrome) key(name string) {
	if c.line[len(c.line)-1] != '{' {
		c.line = append(c.line, ',')
	}
	c.line = append(append(append(c.line, '"'), name...), '"', ':')
}

func (c *Chrome) text(name, s string) {
	c.key(name)
	c.line = appendJSON(c.line, s)
}

func appendJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e || s[i] == '"' || s[i] == '\\' || s[i] == '<' {
			q, _ := json.Marshal(s)
			return append(b, q...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func (c *Chrome) number(name string, v int64) {
	c.key(name)
	c.line = strconv.AppendInt(c.line, v, 10)
}

// micros writes ns as microseconds with three decimals.
func (c *Chrome) micros(name string, ns int64) {
	c.key(name)
	if ns < 0 {
		c.line = append(c.line, '-')
		ns = -ns
	}
	c.line = strconv.AppendInt(c.line, ns/1000, 10)
	r := ns % 1000
	c.line = append(c.line, '.', byte('0'+r/100), byte('0'+r/10%10), byte('0'+r%10))
}

func (c *Chrome) at(t int64) {
	if !c.based {
		c.base, c.based = t, true
	}
	c.micros("ts", t-c.base)
}

func (c *Chrome) where(id ledger.TrackID) {
	t := c.tracks[id]
	c.number("pid", int64(t.pid))
	c.number("tid", int64(t.tid))
}

// Track implements [ledger.Timeline].
func (c *Chrome) Track(t ledger.Track) {
	ct := chromeTrack{pid: uint64(t.ID), tid: uint64(t.ID), name: t.Name}
	if p, ok := c.tracks[t.Parent]; ok {
		ct.pid = p.pid
	}
	c.tracks[t.ID] = ct
	if t.Kind == ledger.TrackCounter {
		return
	}
	what, order := "thread", int64(t.Order)
	if t.Parent == 0 {
		what = "process"
	}
	c.next()
	c.text("ph", "M")
	c.text("name", what+"_name")
	c.where(t.ID)
	c.key("args")
	c.line = append(c.line, '{')
	c.text("name", t.Name)
	c.line = append(c.line, '}')
	c.send()
	c.next()
	c.text("ph", "M")
	c.text("name", what+"_sort_index")
	c.where(t.ID)
	c.key("args")
	c.line = append(c.line, '{')
	c.number("sort_index", order)
	c.line = append(c.line, '}')
	c.send()
}

// event begins a begin, an end or an instant; send ends it.
func (c *Chrome) event(ph string, x chromeText, track ledger.TrackID, t int64) {
	c.next()
	c.text("ph", ph)
	c.text("name", cmp.Or(x.name, "(no name)"))
	if x.category != "" {
		c.text("cat", x.category)
	}
	c.where(track)
	c.at(t)
}

func (c *Chrome) stack(id ledger.StackID) {
	if id == 0 {
		return
	}
	c.use(id)
	c.number("sf", int64(id))
}

func (c *Chrome) use(id ledger.StackID) {
	if int(id) >= len(c.used) {
		c.used = append(c.used, make([]bool, int(id)+1-len(c.used))...)
	}
	c.used[id] = true
}

// begin writes the begin of a slice, and its arguments.
func (c *Chrome) begin(s *ledger.Slice) {
	c.event("B", chromeText{s.Name, s.Category}, s.Track, s.Begin)
	c.stack(s.Stack)
	c.send()
	if len(s.Args) > 0 {
		c.instant(&ledger.Slice{Track: s.Track, Begin: s.Begin, Name: "details", Category: "details", Args: s.Args})
	}
	for _, id := range s.FlowsIn {
		c.flow("f", s.Track, s.Begin, id)
	}
}

func (c *Chrome) end(x chromeText, track ledger.TrackID, t int64) {
	c.event("E", x, track, t)
	c.send()
}

func (c *Chrome) instant(s *ledger.Slice) {
	c.event("i", chromeText{s.Name, s.Category}, s.Track, s.Begin)
	c.text("s", "t")
	c.stack(s.Stack)
	if len(s.Args) > 0 {
		c.key("args")
		c.line = append(c.line, '{')
		for _, a := range s.Args {
			if a.Text != "" {
				c.text(a.Name, a.Text)
			} else {
				c.number(a.Name, a.Int)
			}
		}
		c.line = append(c.line, '}')
	}
	c.send()
}

// flow writes one end of an arrow, after the slice that it binds to.
func (c *Chrome) flow(ph string, track ledger.TrackID, t int64, id uint64) {
	c.next()
	c.text("ph", ph)
	c.text("name", "wake")
	c.text("cat", "wake")
	c.number("id", int64(id))
	if ph == "f" {
		c.text("bp", "e")
	}
	c.where(track)
	c.at(t)
	c.send()
}

func (c *Chrome) leave(s *ledger.Slice, t int64) {
	for _, id := range s.FlowsOut {
		c.flow("s", s.Track, t, id)
	}
}

// Span implements [ledger.Timeline].
func (c *Chrome) Span(s ledger.Slice) {
	c.begin(&s)
	c.leave(&s, s.End) // before the end: arrows bind to what is open
	c.end(chromeText{s.Name, s.Category}, s.Track, s.End)
}

// Begin implements [ledger.Timeline].
func (c *Chrome) Begin(s ledger.Slice) {
	c.open[s.Track] = append(c.open[s.Track], chromeText{s.Name, s.Category})
	c.begin(&s)
	c.leave(&s, s.Begin)
}

// End implements [ledger.Timeline].
func (c *Chrome) End(track ledger.TrackID, t int64) {
	open := c.open[track]
	if len(open) == 0 {
		return
	}
	c.end(open[len(open)-1], track, t)
	if len(open) == 1 {
		delete(c.open, track)
		return
	}
	c.open[track] = open[:len(open)-1]
}

// Instant implements [ledger.Timeline].
func (c *Chrome) Instant(s ledger.Slice) {
	c.instant(&s)
	for _, id := range s.FlowsIn {
		c.flow("f", s.Track, s.Begin, id)
	}
	c.leave(&s, s.Begin)
}

// Count implements [ledger.Timeline].
func (c *Chrome) Count(track ledger.TrackID, t, value int64) {
	c.next()
	c.text("ph", "C")
	c.text("name", c.tracks[track].name)
	c.where(track)
	c.at(t)
	c.key("args")
	c.line = append(c.line, '{')
	c.number("value", value)
	c.line = append(c.line, '}')
	c.send()
}

// Sample implements [ledger.Timeline].
func (c *Chrome) Sample(ledger.Sample) {}

// writeStacks writes the frames that events name, each with its caller.
func (c *Chrome) writeStacks() {
	for id := range c.used {
		if c.used[id] {
			for at := c.stacks.Parent(ledger.StackID(id)); at != 0 && !c.used[at]; at = c.stacks.Parent(at) {
				c.used[at] = true
			}
		}
	}
	comma := ",\n\"stackFrames\":{"
	for id := range c.used {
		if !c.used[id] {
			continue
		}
		f := c.stacks.FrameOf(c.stacks.Leaf(ledger.StackID(id)))
		name := cmp.Or(f.Func, "(no name)") // old traces have such frames
		if f.File != "" {
			name = fmt.Sprintf("%s (%s:%d)", name, path.Base(f.File), f.Line)
		}
		c.line = append(c.line[:0], comma...)
		c.line = fmt.Appendf(c.line, "\n\"%d\":{", id)
		c.text("name", name)
		if up := c.stacks.Parent(ledger.StackID(id)); up != 0 {
			c.text("parent", strconv.Itoa(int(up)))
		}
		c.send()
		comma = ","
	}
	if comma == "," {
		_, _ = c.w.WriteString("\n}")
	}
}

// Close implements [ledger.Timeline].
func (c *Chrome) Close(t int64) error {
	tracks := make([]ledger.TrackID, 0, len(c.open))
	for track := range c.open {
		tracks = append(tracks, track)
	}
	slices.Sort(tracks)
	for _, track := range tracks {
		c.instant(&ledger.Slice{Track: track, Begin: t, Name: "truncated", Category: "truncated",
			Args: []ledger.Arg{{Name: "why", Text: "what is open here had not ended when the recording did"}}})
		for len(c.open[track]) > 0 {
			c.End(track, t)
		}
	}
	if !c.begun {
		_, _ = c.w.WriteString(`{"traceEvents":[`)
	}
	_, _ = c.w.WriteString("\n]")
	c.writeStacks()
	_, _ = c.w.WriteString("}\n")
	if err := cmp.Or(c.w.Flush(), c.sink.err); err != nil {
		return fmt.Errorf("writing Chrome trace: %w", err)
	}
	return nil
}
