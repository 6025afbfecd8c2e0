package format

import (
	"encoding/binary"
	"io"

	"github.com/profscope/profscope/internal/ledger"
)

// proto writes one profile.proto: samples as they come, and after them the
// locations, functions and strings that they turned out to need, each once and
// numbered in the order of need. So the same ledger gives the same bytes.
type proto struct {
	w   io.Writer
	err error

	out       message // complete, not written yet
	locations message
	functions message
	strings   message

	stacks      *ledger.Stacks
	byFrame     []uint64 // location by FrameID, 0 none yet; the table's ids are dense
	none        uint64   // the location for no stack
	nLocations  uint64
	byFunction  map[functionKey]uint64
	byString    map[string]uint64
	sub, packed message // scratch: the message being made, and one inside it
}

// functionKey tells functions apart. The start line belongs to it: two
// closures may share a name across versions of a file, and go build -pgo
// counts call sites from it.
type functionKey struct {
	name, file string
	start      int64
}

// The numbers of the fields of profile.proto.
const (
	profileSampleType        = 1
	profileSample            = 2
	profileMapping           = 3
	profileLocation          = 4
	profileFunction          = 5
	profileStrings           = 6
	profileTimeNanos         = 9
	profileDurationNanos     = 10
	profilePeriodType        = 11
	profilePeriod            = 12
	profileComment           = 13
	profileDefaultSampleType = 14

	valueTypeType, valueTypeUnit = 1, 2

	sampleLocation, sampleValue, sampleLabel = 1, 2, 3

	labelKeyField, labelStr, labelNum, labelNumUnit = 1, 2, 3, 4

	mappingID, mappingFile                                      = 1, 5
	mappingFunctions, mappingFiles, mappingLines, mappingInline = 7, 8, 9, 10

	locationID, locationMapping, locationLine = 1, 2, 4

	lineFunction, lineLine = 1, 2

	functionID, functionName, functionSystemName, functionFile, functionStart = 1, 2, 3, 4, 5
)

// theMapping is the id of the profile's one mapping.
const theMapping = 1

func newProto(w io.Writer, l *ledger.Ledger) *proto {
	p := &proto{
		w: w, stacks: l.Stacks,
		byFunction: make(map[functionKey]uint64),
		byString:   make(map[string]uint64),
	}
	p.text("") // string 0 by definition
	return p
}

func (p *proto) write(l *ledger.Ledger) {
	entries, guessed := l.Book.ShareOut()
	for _, t := range valueTypes {
		p.out.put(profileSampleType, p.valueType(t.name, t.unit))
	}
	for i := range entries {
		p.sample(&entries[i])
		p.flush(64 << 10)
	}
	p.about(l)
	for _, c := range comments(l, sampled(l.Stacks, entries, guessed)) {
		p.out.varint(profileComment, p.text(c))
	}
	p.out.varint(profileDefaultSampleType, p.text(valueTypes[valueWall].name))
	p.tables()
}

// about writes what is told of the whole profile.
func (p *proto) about(l *ledger.Ledger) {
	p.mapping(l)
	if !l.Start.IsZero() {
		p.out.varint(profileTimeNanos, uint64(l.Start.UnixNano()))
	}
	p.out.varint(profileDurationNanos, uint64(l.Elapsed))
	p.out.put(profilePeriodType, p.valueType("cpu", "nanoseconds"))
	p.out.varint(profilePeriod, uint64(ledger.SamplePeriod))
}

// tables writes what samples and the rest turned out to need, and ends the
// profile.
func (p *proto) tables() {
	p.out = append(p.out, p.locations...)
	p.out = append(p.out, p.functions...)
	p.out = append(p.out, p.strings...)
	p.flush(0)
}

// flush writes what is complete, if it is more than size.
func (p *proto) flush(size int) {
	if len(p.out) <= size {
		return
	}
	if p.err == nil {
		_, p.err = p.w.Write(p.out)
	}
	p.out = p.out[:0]
}

// text returns the number of s in the table of strings.
func (p *proto) text(s string) uint64 {
	id, ok := p.byString[s]
	if !ok {
		id = uint64(len(p.byString))
		p.byString[s] = id
		p.strings.text(profileStrings, s)
	}
	return id
}

func (p *proto) valueType(name, unit string) message {
	p.sub = p.sub[:0]
	p.sub.varint(valueTypeType, p.text(name))
	p.sub.varint(valueTypeUnit, p.text(unit))
	return p.sub
}

func (p *proto) sample(e *ledger.Entry) {
	var v [numValues]int64
	v[valueSamples] = e.Samples
	v[valueCPU] = e.Samples * int64(ledger.SamplePeriod)
	v[valueWall] = e.Nanos
	switch e.State {
	case ledger.Blocked:
		v[valueBlocked] = e.Nanos
	case ledger.Runnable:
		v[valueRunnable] = e.Nanos
	case ledger.Syscall:
		v[valueSyscall] = e.Nanos
	}
	s, m := &p.sub, &p.packed
	*s, *m = (*s)[:0], (*m)[:0]
	p.stack(m, e.Stack)
	s.put(sampleLocation, *m)
	*m = (*m)[:0]
	for _, x := range v {
		*m = binary.AppendUvarint(*m, uint64(x))
	}
	s.put(sampleValue, *m)
	label := func(key, value string) {
		*m = (*m)[:0]
		m.varint(labelKeyField, p.text(key))
		m.varint(labelStr, p.text(value))
		s.put(sampleLabel, *m)
	}
	if e.Reason != 0 {
		label(labelReason, p.stacks.ReasonOf(e.Reason))
	}
	label(labelRole, e.Role.String())
	label(labelState, e.State.String())
	// A call of no length, or one that had not ended, has no latency: 0 would
	// read as a fast one.
	if e.Class != 0 {
		*m = (*m)[:0]
		m.varint(labelKeyField, p.text(labelLatency))
		m.varint(labelNum, uint64(e.Class.Floor()))
		m.varint(labelNumUnit, p.text("nanoseconds"))
		s.put(sampleLabel, *m)
	}
	p.out.put(profileSample, *s)
}

// stack appends the locations of s, leaf first. Every frame is a location of
// its own, inlined ones too: addresses are gone, so nothing tells which frames
// shared one.
func (p *proto) stack(m *message, s ledger.StackID) {
	if s == 0 {
		if p.none == 0 {
			p.none = p.location(ledger.Frame{Func: noStack})
		}
		*m = binary.AppendUvarint(*m, p.none)
	}
	for ; s != 0; s = p.stacks.Parent(s) {
		id := p.stacks.Leaf(s)
		for int(id) >= len(p.byFrame) {
			p.byFrame = append(p.byFrame, make([]uint64, int(id)+1)...)
		}
		if p.byFrame[id] == 0 {
			p.byFrame[id] = p.location(p.stacks.FrameOf(id))
		}
		*m = binary.AppendUvarint(*m, p.byFrame[id])
	}
}

func (p *proto) location(f ledger.Frame) uint64 {
	fn := p.function(f)
	var line, m message
	line.varint(lineFunction, fn)
	line.varint(lineLine, uint64(f.Line))
	p.nLocations++
	m.varint(locationID, p.nLocations)
	m.varint(locationMapping, theMapping)
	m.put(locationLine, line)
	p.locations.put(profileLocation, m)
	return p.nLocations
}

func (p *proto) function(f ledger.Frame) uint64 {
	k := functionKey{f.Func, f.File, f.StartLine}
	id, ok := p.byFunction[k]
	if ok {
		return id
	}
	id = uint64(len(p.byFunction) + 1)
	p.byFunction[k] = id
	var m message
	m.varint(functionID, id)
	m.varint(functionName, p.text(f.Func))
	m.varint(functionSystemName, p.text(f.Func))
	m.varint(functionFile, p.text(f.File))
	m.varint(functionStart, uint64(f.StartLine))
	p.functions.put(profileFunction, m)
	return id
}

// mapping writes the one mapping. Without one that has everything already,
// go tool pprof looks for the program's binary in order to symbolize.
func (p *proto) mapping(l *ledger.Ledger) {
	file := l.Program
	if file == "" {
		file = l.Name
	}
	var m message
	m.varint(mappingID, theMapping)
	m.varint(mappingFile, p.text(file))
	for _, has := range []int{mappingFunctions, mappingFiles, mappingLines, mappingInline} {
		m.varint(has, 1)
	}
	p.out.put(profileMapping, m)
}
