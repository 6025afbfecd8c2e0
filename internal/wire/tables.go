package wire

import (
	"encoding/binary"
	"fmt"
)

// StringID names a string of the [Tables] at hand, 0 none.
type StringID uint64

// Frame is one function call of a stack.
type Frame struct {
	PC         uint64
	Func, File string
	Line       uint64
}

// Tables are the strings and stacks of one generation. Ids of the runtime are
// dense, so tables are slices; what an id stands for is decoded when asked for.
type Tables struct {
	strings []text   // by id
	stacks  [][]byte // by id: pairs of what stands in the trace, from the number of frames on
}

// text is a string as bytes of the trace, and as a string once it was needed.
type text struct {
	raw  []byte
	s    string
	made bool
}

// reset empties the tables and keeps their memory.
func (t *Tables) reset() {
	clear(t.strings)
	clear(t.stacks)
	t.strings, t.stacks = t.strings[:0], t.stacks[:0]
}

// maxID bounds the ids: what is above can be no trace's, and a slice by it
// would be the memory of somebody else's mistake.
const maxID = 1 << 22

// grown returns s with room for the index id.
func grown[T any](s []T, id uint64) []T {
	for uint64(len(s)) <= id {
		if uint64(cap(s)) > id {
			return s[:id+1]
		}
		var zero T
		s = append(s, zero)
	}
	return s
}

func (t *Tables) addStrings(b []byte) error {
	for i := 0; i < len(b); {
		if b[i] != evString {
			return fmt.Errorf("event %d among the strings", b[i])
		}
		i++
		id, n := uvarint(b[i:])
		size, m := uvarint(b[i+n:])
		i += n + m
		if n == 0 || m == 0 || size > uint64(len(b)-i) {
			return fmt.Errorf("a string is cut")
		}
		if id > maxID {
			return fmt.Errorf("string %d is out of range", id)
		}
		t.strings = grown(t.strings, id)
		t.strings[id] = text{raw: b[i : i+int(size)]}
		i += int(size)
	}
	return nil
}

func (t *Tables) addStacks(b []byte) error {
	for i := 0; i < len(b); {
		if b[i] != evStack {
			return fmt.Errorf("event %d among the stacks", b[i])
		}
		i++
		id, n := uvarint(b[i:])
		if n == 0 {
			return fmt.Errorf("a stack is cut")
		}
		if id > maxID {
			return fmt.Errorf("stack %d is out of range", id)
		}
		i += n
		begin := i
		frames, n := uvarint(b[i:])
		if n == 0 || frames > uint64(len(b)) {
			return fmt.Errorf("a stack is cut")
		}
		i += n
		for left := 4 * frames; left > 0; i++ { // PC, function, file, line
			if i >= len(b) {
				return fmt.Errorf("a stack is cut")
			}
			if b[i] < 0x80 {
				left--
			}
		}
		t.stacks = grown(t.stacks, id)
		t.stacks[id] = b[begin:i]
	}
	return nil
}

// String returns the string that id names, the empty one for an id that the
// trace has no string for.
func (t *Tables) String(id StringID) string {
	if uint64(id) >= uint64(len(t.strings)) {
		return ""
	}
	x := &t.strings[id]
	if !x.made {
		x.s, x.made = string(x.raw), true
	}
	return x.s
}

// HasPrefix reports whether the string that id names begins with prefix.
func (t *Tables) HasPrefix(id StringID, prefix string) bool {
	if uint64(id) >= uint64(len(t.strings)) {
		return false
	}
	raw := t.strings[id].raw
	return len(raw) >= len(prefix) && string(raw[:len(prefix)]) == prefix
}

// Frames appends the frames of the stack to fs, leaf first.
func (t *Tables) Frames(fs []Frame, id StackID) []Frame {
	t.each(id, func(pc, fn, file, line uint64) {
		fs = append(fs, Frame{pc, t.String(StringID(fn)), t.String(StringID(file)), line})
	})
	return fs
}

// Key appends to k what tells the stack from all others of the same program,
// in whatever generation: string ids change from one to the next, PCs do not.
func (t *Tables) Key(k []byte, id StackID) []byte {
	t.each(id, func(pc, _, _, line uint64) {
		k = binary.AppendUvarint(k, pc)
		k = binary.AppendUvarint(k, line)
	})
	return k
}

func (t *Tables) each(id StackID, yield func(pc, fn, file, line uint64)) {
	if uint64(id) >= uint64(len(t.stacks)) || t.stacks[id] == nil {
		return
	}
	b := t.stacks[id]
	frames, i := uvarint(b)
	for range frames {
		var v [4]uint64
		for k := range v {
			x, n := uvarint(b[i:])
			v[k], i = x, i+n
		}
		yield(v[0], v[1], v[2], v[3])
	}
}

// Stacks returns one more than the largest id of a stack.
func (t *Tables) Stacks() int { return len(t.stacks) }
