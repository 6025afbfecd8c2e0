package format

import (
	"slices"

	"github.com/profscope/profscope/internal/ledger"
)

// id interns s; kind is the field of InternedData.
func (p *Perfetto) id(table map[string]uint64, kind int, s string) uint64 {
	id, ok := table[s]
	if !ok {
		id = uint64(len(table)) + 1
		table[s] = id
		var entry message
		entry.varint(1, id)
		entry.text(2, s)
		p.intern.put(kind, entry)
	}
	return id
}

// recent finds the ids of the texts that come again and again. Where the text
// is the same string and not only an equal one, comparing looks at no byte.
type recent [64]struct {
	kind int
	text string
	id   uint64
}

func (r *recent) id(p *Perfetto, table map[string]uint64, kind int, s string) uint64 {
	e := &r[(len(s)*7+int(s[len(s)-1])*5+int(s[0])+kind)%len(r)]
	if e.kind != kind || e.text != s {
		e.kind, e.text, e.id = kind, s, p.id(table, kind, s)
	}
	return e.id
}

func (p *Perfetto) callstack(s ledger.StackID) uint64 {
	if int(s) < len(p.calls) && p.calls[s] != 0 {
		return p.calls[s]
	}
	var frames []uint64
	for at := s; at != 0; at = p.stacks.Parent(at) {
		frames = append(frames, p.frame(p.stacks.Leaf(at)))
	}
	slices.Reverse(frames) // the root is first
	p.nCalls++
	id := p.nCalls
	p.calls = grown(p.calls, int(s))
	p.calls[s] = id
	var c message
	c.varint(1, id)
	for _, f := range frames {
		c.varint(2, f)
	}
	p.intern.put(7, c)
	return id
}

// grown returns s with a place for i.
func grown(s []uint64, i int) []uint64 {
	if i >= len(s) {
		s = append(s, make([]uint64, i+1-len(s))...)
	}
	return s
}

func (p *Perfetto) frame(f ledger.FrameID) uint64 {
	if int(f) < len(p.frames) && p.frames[f] != 0 {
		return p.frames[f]
	}
	fr := p.stacks.FrameOf(f)
	p.nFrames++
	id := p.nFrames
	p.frames = grown(p.frames, int(f))
	p.frames[f] = id
	var m message
	m.varint(1, id)
	m.varint(2, p.id(p.funcs, 5, fr.Func))
	if fr.File != "" {
		m.varint(5, p.id(p.files, 18, fr.File))
		m.varint(6, uint64(max(fr.Line, 0)))
	}
	p.intern.put(6, m)
	return id
}
