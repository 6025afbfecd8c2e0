package format

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/profscope/profscope/internal/ledger"
)

// Perfetto is a timeline in Perfetto's protobuf format
// (https://perfetto.dev/docs/reference/trace-packet-proto), written as it
// comes: packets, each with the names and stacks that it is the first to use.
//
// CPU samples are PerfSample packets, which old and new viewers draw as a
// flame graph of a selected area. They belong to threads, which stand apart
// from the tracks of goroutines.
type Perfetto struct {
	sink   *sink
	stacks *ledger.Stacks

	begun   bool
	packet  message // at hand; reused
	out     []byte  // packets that are ready
	event   message
	intern  message
	recent  recent
	names   map[string]uint64
	cats    map[string]uint64
	args    map[string]uint64
	funcs   map[string]uint64
	files   map[string]uint64
	frames  []uint64 // by ledger.FrameID, 0: not yet
	calls   []uint64 // by ledger.StackID
	nFrames uint64
	nCalls  uint64
	threads map[int64]bool
	open    map[ledger.TrackID]int
}

// NewPerfetto returns a timeline that writes to w. Stacks of slices and of
// samples are those of t.
func NewPerfetto(w io.Writer, t *ledger.Stacks) *Perfetto {
	return &Perfetto{sink: &sink{w: w}, out: make([]byte, 0, perfettoBuffer+4<<10), stacks: t,
		names: make(map[string]uint64), cats: make(map[string]uint64), args: make(map[string]uint64),
		funcs: make(map[string]uint64), files: make(map[string]uint64),
		threads: make(map[int64]bool), open: make(map[ledger.TrackID]int)}
}

// One writer is one sequence; its clock is CLOCK_MONOTONIC, of which Go's
// trace clock is a copy on Linux.
const (
	perfettoSequence  = 1
	perfettoMonotonic = 3
	perfettoRealtime  = 1
	perfettoPid       = 1
)

// Clock implements [ledger.Timeline].
func (p *Perfetto) Clock(ns, unixNanos int64) {
	p.begin()
	// Without a snapshot the viewer drops all events: it must know that their
	// clock is the trace's.
	var wall, mono, snapshot message
	mono.varint(1, perfettoMonotonic)
	mono.varint(2, uint64(ns))
	snapshot.put(1, mono)
	if unixNanos != 0 {
		wall.varint(1, perfettoRealtime)
		wall.varint(2, uint64(unixNanos))
		snapshot.put(1, wall)
	}
	snapshot.varint(2, perfettoMonotonic)
	p.packet = p.packet[:0]
	p.packet.put(6, snapshot)
	p.packet.varint(8, uint64(ns))
	p.write(0)
}

// begin writes what stands before all else: that names begin anew, and the
// clock that times are of.
func (p *Perfetto) begin() {
	if p.begun {
		return
	}
	p.begun = true
	var defaults, timebase, samples message
	defaults.varint(58, perfettoMonotonic)
	timebase.varint(2, 100) // samples a second
	samples.put(1, timebase)
	defaults.put(12, samples)
	p.packet = p.packet[:0]
	p.packet.varint(87, 1)
	p.packet.put(59, defaults)
	p.write(1)
	var process, track message
	process.varint(1, perfettoPid)
	process.text(6, "CPU samples")
	track.varint(1, perfettoProcessTrack)
	track.put(3, process)
	p.packet = p.packet[:0]
	p.packet.put(60, track)
	p.write(2)
}

// Tracks of the encoder's own have ids that no source gives out.
const (
	perfettoProcessTrack = 1 << 60
	perfettoThreadTrack  = 1 << 61
)

// write ends the packet at hand and writes it.
func (p *Perfetto) write(flags uint64) {
	p.packet.varint(10, perfettoSequence)
	if flags != 0 {
		p.packet.varint(13, flags)
	}
	out := message(p.out)
	out.put(1, p.packet)
	p.out = out
	p.flush(perfettoBuffer)
}

// perfettoBuffer is how much is collected before it is written.
const perfettoBuffer = 256 << 10

// flush writes what is ready, if it is at least so much.
func (p *Perfetto) flush(least int) {
	if len(p.out) >= least {
		_, _ = p.sink.Write(p.out) // the sink keeps the error
		p.out = p.out[:0]
	}
}

// Track implements [ledger.Timeline].
func (p *Perfetto) Track(t ledger.Track) {
	p.begin()
	var d message
	d.varint(1, uint64(t.ID))
	d.text(2, t.Name)
	if t.Parent != 0 {
		d.varint(5, uint64(t.Parent))
	}
	if t.Kind == ledger.TrackCounter {
		var c message
		unit := uint64(2)
		if t.Unit == "bytes" {
			unit = 3
		}
		c.varint(3, unit)
		d.put(8, c)
	}
	if t.Kind == ledger.TrackGroup {
		d.varint(11, 3) // children in explicit order
	}
	if t.Order != 0 {
		d.varint(12, uint64(int64(t.Order)))
	}
	d.varint(15, 2) // equal names are not merged
	p.packet = p.packet[:0]
	p.packet.put(60, d)
	p.write(2)
}

// Types of a TrackEvent.
const (
	perfettoBegin   = 1
	perfettoEnd     = 2
	perfettoInstant = 3
	perfettoCounter = 4
)

// send writes the event at hand, with what it was the first to name. Nine
// packets of ten are short events that name nothing new: they are written in
// one go.
func (p *Perfetto) send(t int64) {
	if len(p.intern) == 0 && len(p.event) < 100 {
		at := len(p.out)
		out := append(p.out, 1<<3|wireBytes, 0, 8<<3)
		out = binary.AppendUvarint(out, uint64(t))
		out = append(out, 11<<3|wireBytes, byte(len(p.event)))
		out = append(out, p.event...)
		out = append(out, 10<<3, perfettoSequence, 13<<3, 2)
		out[at+1] = byte(len(out) - at - 2)
		p.out = out
		p.flush(perfettoBuffer)
		return
	}
	p.packet = p.packet[:0]
	p.packet.varint(8, uint64(t))
	if len(p.intern) > 0 {
		p.packet.put(12, p.intern)
		p.intern = p.intern[:0]
	}
	p.packet.put(11, p.event)
	p.write(2)
}

func (p *Perfetto) slice(kind uint64, s *ledger.Slice) {
	p.begin()
	p.event = p.event[:0]
	p.event.varint(9, kind)
	p.event.varint(11, uint64(s.Track))
	p.event.varint(10, p.recent.id(p, p.names, 2, cmp.Or(s.Name, "(no name)")))
	if s.Category != "" {
		p.event.varint(3, p.recent.id(p, p.cats, 1, s.Category))
	}
	for _, a := range s.Args {
		p.arg(a)
	}
	if s.Stack != 0 {
		p.event.varint(56, p.callstack(s.Stack))
	}
	for _, id := range s.FlowsIn {
		p.event.fixed64(48, id)
	}
	for _, id := range s.FlowsOut {
		p.event.fixed64(47, id)
	}
	p.send(s.Begin)
}

func (p *Perfetto) arg(a ledger.Arg) {
	var m message
	m.varint(1, p.id(p.args, 3, a.Name))
	if a.Text != "" {
		m.text(6, a.Text)
	} else {
		m.varint(4, uint64(a.Int))
	}
	p.event.put(4, m)
}

func (p *Perfetto) end(track ledger.TrackID, t int64, flows []uint64) {
	p.event = p.event[:0]
	p.event.varint(9, perfettoEnd)
	p.event.varint(11, uint64(track))
	for _, id := range flows {
		p.event.fixed64(47, id)
	}
	p.send(t)
}

// Span implements [ledger.Timeline].
func (p *Perfetto) Span(s ledger.Slice) {
	out := s.FlowsOut
	s.FlowsOut = nil
	p.slice(perfettoBegin, &s)
	p.end(s.Track, s.End, out)
}

// Begin implements [ledger.Timeline].
func (p *Perfetto) Begin(s ledger.Slice) {
	p.open[s.Track]++
	p.slice(perfettoBegin, &s)
}

// End implements [ledger.Timeline].
func (p *Perfetto) End(track ledger.TrackID, t int64) {
	if p.open[track] == 0 {
		return
	}
	if p.open[track]--; p.open[track] == 0 {
		delete(p.open, track)
	}
	p.end(track, t, nil)
}

// Instant implements [ledger.Timeline].
func (p *Perfetto) Instant(s ledger.Slice) { p.slice(perfettoInstant, &s) }

// Count implements [ledger.Timeline].
func (p *Perfetto) Count(track ledger.TrackID, t, value int64) {
	p.event = p.event[:0]
	p.event.varint(9, perfettoCounter)
	p.event.varint(11, uint64(track))
	p.event.varint(30, uint64(value))
	p.send(t)
}

// Sample implements [ledger.Timeline].
func (p *Perfetto) Sample(s ledger.Sample) {
	if s.Stack == 0 {
		return
	}
	p.begin()
	p.thread(s.Thread)
	id := p.callstack(s.Stack)
	var m message
	m.varint(2, perfettoPid)
	m.varint(3, uint64(s.Thread))
	m.varint(4, id)
	m.varint(5, 2) // user mode
	p.packet = p.packet[:0]
	p.packet.varint(8, uint64(s.T))
	if len(p.intern) > 0 {
		p.packet.put(12, p.intern)
		p.intern = p.intern[:0]
	}
	p.packet.put(66, m)
	p.write(2)
}

// thread declares the thread of samples, once.
func (p *Perfetto) thread(tid int64) {
	if p.threads[tid] {
		return
	}
	p.threads[tid] = true
	var th, d message
	th.varint(1, perfettoPid)
	th.varint(2, uint64(tid))
	th.text(5, fmt.Sprintf("thread %d", tid))
	d.varint(1, perfettoThreadTrack+uint64(tid))
	d.put(4, th)
	p.packet = p.packet[:0]
	p.packet.put(60, d)
	p.write(2)
}

// Close implements [ledger.Timeline].
func (p *Perfetto) Close(t int64) error {
	p.begin()
	tracks := make([]ledger.TrackID, 0, len(p.open))
	for track := range p.open {
		tracks = append(tracks, track)
	}
	slices.Sort(tracks)
	for _, track := range tracks {
		for ; p.open[track] > 0; p.open[track]-- {
			p.event = p.event[:0]
			p.event.varint(9, perfettoEnd)
			p.event.varint(11, uint64(track))
			p.arg(ledger.Arg{Name: "truncated", Text: "it had not ended when the recording did"})
			p.send(t)
		}
	}
	p.flush(1)
	if err := p.sink.err; err != nil {
		return fmt.Errorf("writing Perfetto trace: %w", err)
	}
	return nil
}
