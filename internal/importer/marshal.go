package importer

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strconv"
)

// Python's marshal format, versions 2 to 4 (Python/marshal.c): a type byte,
// whose top bit says that the object goes into the table of references, and
// its content, little endian. Here is what a file of cProfile can hold; code
// objects cannot be in one.

// tuple and dict are what the decoder returns for Python's; pair keeps the
// order of the file.
type (
	tuple []any
	dict  []pair
	pair  struct{ key, value any }
)

type marshal struct {
	b     []byte
	at    int
	refs  []any
	depth int
	items int
}

const (
	maxMarshalDepth = 100
	maxMarshalItems = 4 << 20 // a hundred times those of a large program
	flagRef         = 0x80
)

// null ends a dict.
type null struct{}

func (m *marshal) fail(format string, args ...any) error {
	return fmt.Errorf("at byte %d: %s", m.at, fmt.Sprintf(format, args...))
}

func (m *marshal) take(n int) ([]byte, error) {
	if n < 0 || n > len(m.b)-m.at {
		return nil, m.fail("%d bytes should follow, %d do", n, len(m.b)-m.at)
	}
	b := m.b[m.at : m.at+n]
	m.at += n
	return b, nil
}

func (m *marshal) int32() (int, error) {
	b, err := m.take(4)
	if err != nil {
		return 0, err
	}
	return int(int32(binary.LittleEndian.Uint32(b))), nil
}

// object reads one object.
func (m *marshal) object() (any, error) {
	if m.depth++; m.depth > maxMarshalDepth {
		return nil, m.fail("nested more than %d deep", maxMarshalDepth)
	}
	defer func() { m.depth-- }()
	if m.items++; m.items > maxMarshalItems {
		return nil, m.fail("more than %d objects", maxMarshalItems)
	}
	t, err := m.take(1)
	if err != nil {
		return nil, err
	}
	code, place := t[0]&^flagRef, -1
	if t[0]&flagRef != 0 {
		// The place is taken before the content is read: objects inside come
		// after it.
		place = len(m.refs)
		m.refs = append(m.refs, nil)
	}
	v, err := m.content(code)
	if err != nil {
		return nil, err
	}
	if place >= 0 {
		m.refs[place] = v
	}
	return v, nil
}

func (m *marshal) content(code byte) (any, error) {
	switch code {
	case '0':
		return null{}, nil
	case 'N':
		return nil, nil
	case 'T', 'F':
		return code == 'T', nil
	case 'i':
		n, err := m.int32()
		return int64(n), err
	case 'I':
		b, err := m.take(8)
		if err != nil {
			return nil, err
		}
		return int64(binary.LittleEndian.Uint64(b)), nil
	case 'l':
		return m.long()
	case 'g':
		b, err := m.take(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), nil
	case 'f':
		s, err := m.short()
		if err != nil {
			return nil, err
		}
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, m.fail("%q is no number", s)
		}
		return f, nil
	case 'z', 'Z': // short ASCII, interned or not
		return m.short()
	case 's', 't', 'u', 'a', 'A': // bytes, interned, unicode, ASCII
		n, err := m.int32()
		if err != nil {
			return nil, err
		}
		b, err := m.take(n)
		return string(b), err
	case '(', '[', '<', '>', ')':
		return m.sequence(code)
	case '{':
		return m.dict()
	case 'r':
		n, err := m.int32()
		if err != nil {
			return nil, err
		}
		if n < 0 || n >= len(m.refs) || m.refs[n] == nil {
			return nil, m.fail("a reference to object %d, which is not there", n)
		}
		return m.refs[n], nil
	}
	return nil, m.fail("type %q, which a profile of cProfile does not have", code)
}

func (m *marshal) short() (string, error) {
	n, err := m.take(1)
	if err != nil {
		return "", err
	}
	b, err := m.take(int(n[0]))
	return string(b), err
}

// long reads an integer of any size, in digits of 15 bits.
func (m *marshal) long() (any, error) {
	n, err := m.int32()
	if err != nil {
		return nil, err
	}
	negative := n < 0
	if negative {
		n = -n
	}
	b, err := m.take(2 * n)
	if err != nil {
		return nil, err
	}
	v := new(big.Int)
	for i := n - 1; i >= 0; i-- {
		v.Lsh(v, 15).Or(v, big.NewInt(int64(binary.LittleEndian.Uint16(b[2*i:]))))
	}
	if negative {
		v.Neg(v)
	}
	if !v.IsInt64() {
		return nil, m.fail("an integer of more than 64 bits")
	}
	return v.Int64(), nil
}

func (m *marshal) sequence(code byte) (any, error) {
	n := 0
	if code == ')' {
		b, err := m.take(1)
		if err != nil {
			return nil, err
		}
		n = int(b[0])
	} else {
		var err error
		if n, err = m.int32(); err != nil {
			return nil, err
		}
	}
	if n < 0 || n > len(m.b)-m.at { // an object takes at least a byte
		return nil, m.fail("a sequence of %d objects", n)
	}
	t := make(tuple, 0, n)
	for range n {
		v, err := m.object()
		if err != nil {
			return nil, err
		}
		t = append(t, v)
	}
	return t, nil
}

func (m *marshal) dict() (any, error) {
	var d dict
	for {
		k, err := m.object()
		if err != nil {
			return nil, err
		}
		if _, end := k.(null); end {
			if d == nil {
				d = dict{}
			}
			return d, nil
		}
		v, err := m.object()
		if err != nil {
			return nil, err
		}
		d = append(d, pair{k, v})
	}
}
