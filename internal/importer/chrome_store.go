package importer

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// slice is one event with a length, or one edge of it.
type slice struct {
	ts, dur    int64 // nanoseconds
	bytes      int64
	ext, corr  uint64 // External id and correlation; 0 for none
	py, parent uint64 // Python id and Python parent id
	name       uint32
	detail     uint32 // of work on the device: its grid, block, ...; of async edges: what they are paired by
	thread     uint32
	cat        category
	edge       edge
}

// edge tells what of a slice an event of the file is.
type edge uint8

const (
	whole edge = iota
	begins
	ends
)

func (s *slice) end() int64 { return s.ts + s.dur }

// sliceRuns keeps slices in about a dozen bytes each and gives them back in
// order: by thread and time, the longer first, then as they came. A trace has
// millions of them, hardly ever in order, and a list of them that can be
// sorted would be a hundred times as large as what most reports need.
//
//  1. What comes is collected until there is a run of it.
//  2. The run is sorted and packed: fields as varints, and what differs little
//     from the slice before (times, ids) as the difference.
//  3. Reading merges the runs.
//
// The zero value is ready. It is read after seal.
type sliceRuns struct {
	byTime bool // by time alone: edges of async slices, whose thread may change
	open   []slice
	order  []sliceKey
	runs   [][]byte
	n      int64
}

const runLength = 1 << 15

// sliceKey is what sorting moves around.
type sliceKey struct {
	ts, dur int64
	thread  uint32
	at      int32
}

func (r *sliceRuns) key(s *slice, at int32) sliceKey {
	k := sliceKey{s.ts, s.dur, s.thread, at}
	if r.byTime {
		k.thread = 0
	}
	return k
}

func (k *sliceKey) compare(o *sliceKey) int {
	switch {
	case k.thread != o.thread:
		return cmp.Compare(k.thread, o.thread)
	case k.ts != o.ts:
		return cmp.Compare(k.ts, o.ts)
	case k.dur != o.dur:
		return cmp.Compare(o.dur, k.dur)
	}
	return cmp.Compare(k.at, o.at)
}

func (r *sliceRuns) add(s *slice) {
	r.n++
	r.open = append(r.open, *s)
	if len(r.open) == runLength {
		r.pack()
	}
}

// seal ends the adding.
func (r *sliceRuns) seal() {
	r.pack()
	r.open, r.order = nil, nil
}

func (r *sliceRuns) pack() {
	if len(r.open) == 0 {
		return
	}
	r.order = r.order[:0]
	for i := range r.open {
		r.order = append(r.order, r.key(&r.open[i], int32(i)))
	}
	slices.SortFunc(r.order, func(a, b sliceKey) int { return a.compare(&b) })
	b := make([]byte, 0, 14*len(r.open))
	var p packing
	for _, k := range r.order {
		b = p.append(b, &r.open[k.at])
	}
	r.runs = append(r.runs, slices.Clip(b))
	r.open = r.open[:0]
}

// packing is the state of packing or unpacking a run: the slice before, and
// the last of each id.
type packing struct {
	ts     int64
	thread uint32
	ids    [4]uint64
}

func (p *packing) append(b []byte, s *slice) []byte {
	ids := [4]uint64{s.ext, s.corr, s.py, s.parent}
	mask := byte(0)
	for i, id := range ids {
		if id != 0 {
			mask |= 1 << i
		}
	}
	if s.thread != p.thread {
		mask |= 1 << 4
	}
	if s.detail != 0 {
		mask |= 1 << 5
	}
	if s.bytes != 0 {
		mask |= 1 << 6
	}
	b = append(b, mask, byte(s.cat)|byte(s.edge)<<6)
	if mask&(1<<4) != 0 {
		b = binary.AppendUvarint(b, uint64(s.thread))
	}
	b = binary.AppendVarint(b, s.ts-p.ts)
	b = binary.AppendUvarint(b, uint64(s.dur))
	b = binary.AppendUvarint(b, uint64(s.name))
	for i, id := range ids {
		if id != 0 {
			b = binary.AppendVarint(b, int64(id-p.ids[i]))
			p.ids[i] = id
		}
	}
	if s.detail != 0 {
		b = binary.AppendUvarint(b, uint64(s.detail))
	}
	if s.bytes != 0 {
		b = binary.AppendVarint(b, s.bytes)
	}
	p.ts, p.thread = s.ts, s.thread
	return b
}

// sliceCursor reads one run.
type sliceCursor struct {
	packing
	b   []byte
	run int32
	s   slice
	key sliceKey
}

func (c *sliceCursor) uvarint() uint64 {
	if c.b[0] < 0x80 {
		v := uint64(c.b[0])
		c.b = c.b[1:]
		return v
	}
	v, n := binary.Uvarint(c.b)
	c.b = c.b[n:]
	return v
}

func (c *sliceCursor) varint() int64 {
	u := c.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// next unpacks the next slice into c.s; false at the end.
func (c *sliceCursor) next(r *sliceRuns) bool {
	if len(c.b) == 0 {
		return false
	}
	mask, kind := c.b[0], c.b[1]
	c.b = c.b[2:]
	if mask&(1<<4) != 0 {
		c.thread = uint32(c.uvarint())
	}
	c.ts += c.varint()
	c.s = slice{thread: c.thread, ts: c.ts, cat: category(kind & 63), edge: edge(kind >> 6)}
	c.s.dur = int64(c.uvarint())
	c.s.name = uint32(c.uvarint())
	if mask&15 != 0 {
		for i, to := range [4]*uint64{&c.s.ext, &c.s.corr, &c.s.py, &c.s.parent} {
			if mask&(1<<i) != 0 {
				c.ids[i] += uint64(c.varint())
				*to = c.ids[i]
			}
		}
	}
	if mask&(1<<5) != 0 {
		c.s.detail = uint32(c.uvarint())
	}
	if mask&(1<<6) != 0 {
		c.s.bytes = c.varint()
	}
	c.key = r.key(&c.s, c.run)
	return true
}

// all calls yield for each slice, in order, until it returns false. The slice
// is valid until yield returns.
func (r *sliceRuns) all(yield func(*slice) bool) {
	var heap []*sliceCursor
	for i, b := range r.runs {
		c := &sliceCursor{b: b, run: int32(i)}
		if c.next(r) {
			heap = append(heap, c)
		}
	}
	down := func(i int) {
		for {
			least := i
			for _, j := range [2]int{2*i + 1, 2*i + 2} {
				if j < len(heap) && heap[j].key.compare(&heap[least].key) < 0 {
					least = j
				}
			}
			if least == i {
				return
			}
			heap[i], heap[least] = heap[least], heap[i]
			i = least
		}
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		down(i)
	}
	for len(heap) > 0 {
		c := heap[0]
		if !yield(&c.s) {
			return
		}
		if !c.next(r) {
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		}
		down(0)
	}
}
