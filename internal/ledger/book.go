package ledger

import (
	"maps"
	"math/bits"
	"slices"
)

// Key is what time is booked under. Equal keys add up.
type Key struct {
	Stack  StackID
	Reason ReasonID
	State  State
	Role   Role
	Class  Class
}

// Class is the latency class of a call: the number of bits of its length in
// nanoseconds. Class 0 is a call of no length, or one not ended yet.
type Class uint8

// ClassOf returns the class of a call that lasted ns nanoseconds.
func ClassOf(ns int64) Class {
	if ns <= 0 {
		return 0
	}
	return Class(bits.Len64(uint64(ns)))
}

// Floor returns the length in nanoseconds rounded down to a power of two,
// the value of the pprof label "latency"; 0 for class 0.
func (c Class) Floor() int64 {
	if c == 0 {
		return 0
	}
	return 1 << (c - 1)
}

// Entry is one line of a book.
type Entry struct {
	Key
	Nanos   int64 // time booked
	Spans   int64 // number of spans that made it up
	Samples int64 // CPU samples taken here
}

// Book sums time and CPU samples per [Key]. The zero Book is empty and ready.
//
// A call of a hot function books two or three keys and is merged a hundred
// thousand times a second, so small books are a slice that is searched and
// only large ones have an index.
type Book struct {
	entries []Entry
	index   map[Key]int32
}

const indexFrom = 12

func (b *Book) at(k Key) *Entry {
	if b.index == nil {
		for i := range b.entries {
			if b.entries[i].Key == k {
				return &b.entries[i]
			}
		}
		if len(b.entries) == indexFrom {
			b.index = make(map[Key]int32, 2*indexFrom)
			for i := range b.entries {
				b.index[b.entries[i].Key] = int32(i)
			}
		}
	} else if i, ok := b.index[k]; ok {
		return &b.entries[i]
	}
	if b.index != nil {
		b.index[k] = int32(len(b.entries))
	}
	b.entries = append(b.entries, Entry{Key: k})
	return &b.entries[len(b.entries)-1]
}

// Add books ns nanoseconds of one span under k.
func (b *Book) Add(k Key, ns int64) {
	e := b.at(k)
	e.Nanos += ns
	e.Spans++
}

// Sample counts one CPU sample under k.
func (b *Book) Sample(k Key) { b.at(k).Samples++ }

// Merge adds all of o, as time of calls of class c.
func (b *Book) Merge(o *Book, c Class) {
	for i := range o.entries {
		b.put(o.entries[i], c)
	}
}

// Put adds one entry under its own key.
func (b *Book) Put(e Entry) { b.put(e, e.Class) }

func (b *Book) put(e Entry, c Class) {
	k := e.Key
	k.Class = c
	d := b.at(k)
	d.Nanos += e.Nanos
	d.Spans += e.Spans
	d.Samples += e.Samples
}

// Clone returns an independent copy.
func (b *Book) Clone() Book {
	return Book{entries: slices.Clone(b.entries), index: maps.Clone(b.index)}
}

// Reset empties the book and keeps its memory.
func (b *Book) Reset() {
	b.entries = b.entries[:0]
	if len(b.index) > 1024 {
		b.entries = nil
	}
	b.index = nil
}

// Entries returns the lines in the order in which their keys first came. The
// slice is the book's own: read it only.
func (b *Book) Entries() []Entry { return b.entries }

// Totals is time per role and state, in nanoseconds.
type Totals [NumRoles][NumStates]int64

// Totals sums the book.
func (b *Book) Totals() Totals {
	var t Totals
	for i := range b.entries {
		e := &b.entries[i]
		t[e.Role][e.State] += e.Nanos
	}
	return t
}

// Role returns the sum over the states of r.
func (t *Totals) Role(r Role) int64 {
	var ns int64
	for _, v := range t[r] {
		ns += v
	}
	return ns
}
