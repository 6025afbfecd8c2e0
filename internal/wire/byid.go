package wire

import "math/bits"

// ByID is a map from ids of goroutines. The zero ByID is empty and ready.
//
// Every event looks up a goroutine, most of them two, and a program that
// starts 100,000 goroutines a second enters and drops as many: with Go's own
// map that was a third of the analysis.
//
// Ids come in runs, and the low bits alone would make runs lie on runs, where
// each search is as long as they are: so they are multiplied (Fibonacci
// hashing).
type ByID[T any] struct {
	slots []idSlot[T] // a power of two of them, half empty at least
	n     int
	shift uint8 // 64 minus the bits of an index
}

// home is where the search for id begins.
func (m *ByID[T]) home(id int64) uint64 {
	return (uint64(id) * 0x9e3779b97f4a7c15) >> (m.shift & 63)
}

type idSlot[T any] struct {
	id int64
	v  *T // nil for none
}

// Len returns the number of entries.
func (m *ByID[T]) Len() int { return m.n }

// Get returns the entry of that id, nil if there is none.
func (m *ByID[T]) Get(id int64) *T {
	if m.n == 0 {
		return nil
	}
	mask := uint64(len(m.slots) - 1)
	for i := m.home(id); ; i = (i + 1) & mask {
		s := &m.slots[i]
		if s.v == nil || s.id == id {
			return s.v
		}
	}
}

// Put enters v, which is not nil, under an id that has no entry, or replaces
// the entry that it has.
func (m *ByID[T]) Put(id int64, v *T) {
	if 2*(m.n+1) > len(m.slots) {
		m.grow()
	}
	mask := uint64(len(m.slots) - 1)
	for i := m.home(id); ; i = (i + 1) & mask {
		s := &m.slots[i]
		if s.v == nil {
			m.n++
			*s = idSlot[T]{id, v}
			return
		}
		if s.id == id {
			s.v = v
			return
		}
	}
}

func (m *ByID[T]) grow() {
	old := m.slots
	m.slots, m.n = make([]idSlot[T], max(16, 2*len(old))), 0
	m.shift = uint8(bits.LeadingZeros64(uint64(len(m.slots)))) + 1
	for _, s := range old {
		if s.v != nil {
			m.Put(s.id, s.v)
		}
	}
}

// Delete drops the entry of that id, if there is one, and moves up those after
// it that would not be found across the hole.
func (m *ByID[T]) Delete(id int64) {
	if m.n == 0 {
		return
	}
	mask := uint64(len(m.slots) - 1)
	i := m.home(id)
	for ; m.slots[i].id != id || m.slots[i].v == nil; i = (i + 1) & mask {
		if m.slots[i].v == nil {
			return
		}
	}
	m.n--
	for j := (i + 1) & mask; m.slots[j].v != nil; j = (j + 1) & mask {
		// How far the entry at j is from where it belongs, and from the hole.
		if (j-m.home(m.slots[j].id))&mask >= (j-i)&mask {
			m.slots[i] = m.slots[j]
			i = j
		}
	}
	m.slots[i] = idSlot[T]{}
}

// All returns the entries as they are now: the map may change while they are
// gone through.
func (m *ByID[T]) All() []*T {
	all := make([]*T, 0, m.n)
	for _, s := range m.slots {
		if s.v != nil {
			all = append(all, s.v)
		}
	}
	return all
}
