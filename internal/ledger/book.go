package ledger

import (
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
	// slots is the index: open addressing with linear probing, at most half
	// full. A slot holds one more than the place of its entry, 0 for none. Its
	// length is a power of two. A map of keys took a third of the time of an
	// analysis: it hashes a key of five parts part by part.
	slots []int32
}

const (
	indexFrom = 12   // entries of a book that has an index
	maxKept   = 1024 // entries of a book whose memory is kept by Reset
)

// slot returns where in slots the search for k begins: the upper bits of a
// product with the golden ratio's share of 2^64 (Knuth, TAOCP 3, 6.4).
func (b *Book) slot(k Key) uint64 {
	h := uint64(k.Stack) | uint64(k.Reason)<<32 | uint64(k.State)<<48 | uint64(k.Role)<<52 | uint64(k.Class)<<56
	return h * 0x9e3779b97f4a7c15 >> (64 - bits.TrailingZeros(uint(len(b.slots))))
}

// find returns the slot of k: that of its entry, or a free one.
func (b *Book) find(k Key) *int32 {
	for i := b.slot(k); ; i++ {
		s := &b.slots[i&uint64(len(b.slots)-1)]
		if *s == 0 || b.entries[*s-1].Key == k {
			return s
		}
	}
}

func (b *Book) at(k Key) *Entry {
	n := len(b.entries)
	if n >= indexFrom {
		s := b.find(k)
		if *s != 0 {
			return &b.entries[*s-1]
		}
		*s = int32(n + 1)
	} else {
		for i := range b.entries {
			if b.entries[i].Key == k {
				return &b.entries[i]
			}
		}
	}
	b.entries = append(b.entries, Entry{Key: k})
	if n+1 == indexFrom || n >= indexFrom && 2*(n+1) > len(b.slots) {
		b.fill()
	}
	return &b.entries[n]
}

// fill makes the index, or a larger one, of the entries.
func (b *Book) fill() {
	if n := len(b.entries); 2*n > len(b.slots) {
		b.slots = make([]int32, 1<<bits.Len(uint(4*n)))
	}
	for i := range b.entries {
		*b.find(b.entries[i].Key) = int32(i + 1)
	}
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
	return Book{entries: slices.Clone(b.entries), slots: slices.Clone(b.slots)}
}

// Reset empties the book and keeps its memory, if that is not much.
func (b *Book) Reset() {
	if len(b.entries) > maxKept {
		*b = Book{}
		return
	}
	if len(b.entries) >= indexFrom {
		clear(b.slots)
	}
	b.entries = b.entries[:0]
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
