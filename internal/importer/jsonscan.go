package importer

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonScan walks over JSON of any length with one buffer. It is lenient:
// what follows a value is the caller's to judge, and a skipped value is only
// counted through. A library's tokenizer checks each byte of the values that
// are skipped, which are nine tenths of a trace.
type jsonScan struct {
	r        io.Reader
	buf      []byte
	pos, end int
	base     int64 // offset of buf[0]
	err      error // the reader's, io.EOF included
	scratch  []byte
}

// maxText bounds one string or number that is kept; the rest of it is read and
// dropped.
const maxText = 1 << 16

var errJSON = errors.New("this is not JSON")

func newJSONScan(r io.Reader) *jsonScan { return &jsonScan{r: r, buf: make([]byte, 1<<16)} }

func (s *jsonScan) offset() int64 { return s.base + int64(s.pos) }

// fill is called when all of buf is used up.
func (s *jsonScan) fill() bool {
	s.base += int64(s.end)
	s.pos, s.end = 0, 0
	for tries := 0; s.err == nil && s.end == 0; tries++ {
		s.end, s.err = s.r.Read(s.buf)
		if tries == 100 {
			s.err = io.ErrNoProgress
		}
	}
	return s.end > 0
}

// mark goes over a byte order mark, which some editors put before all else.
func (s *jsonScan) mark() {
	if s.peek() == 0xef && bytes.HasPrefix(s.buf[s.pos:s.end], []byte("\xef\xbb\xbf")) {
		s.pos += 3
	}
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *jsonScan) peek() byte {
	for {
		for s.pos < s.end {
			c := s.buf[s.pos]
			if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
				return c
			}
			s.pos++
		}
		if !s.fill() {
			return 0
		}
	}
}

// text reads a string, whose quote is next. The bytes hold until the next call.
func (s *jsonScan) text() ([]byte, bool) {
	s.pos++
	if i := bytes.IndexByte(s.buf[s.pos:s.end], '"'); i >= 0 {
		b := s.buf[s.pos : s.pos+i]
		if bytes.IndexByte(b, '\\') < 0 && i <= maxText {
			s.pos += i + 1
			return b, true
		}
	}
	s.scratch = s.scratch[:0]
	escaped := false
	for {
		if s.pos == s.end && !s.fill() {
			return nil, false
		}
		c := s.buf[s.pos]
		s.pos++
		if c == '"' && !escaped {
			break
		}
		if len(s.scratch) < maxText {
			s.scratch = append(s.scratch, c)
		}
		escaped = c == '\\' && !escaped
	}
	if bytes.IndexByte(s.scratch, '\\') < 0 {
		return s.scratch, true
	}
	return unescape(s.scratch), true
}

func unescape(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			out = append(out, b[i])
			continue
		}
		i++
		switch b[i] {
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'u':
			r := hex4(b, i+1)
			i = min(i+4, len(b)-1)
			if utf16.IsSurrogate(r) && i+2 < len(b) && b[i+1] == '\\' && b[i+2] == 'u' {
				if p := utf16.DecodeRune(r, hex4(b, i+3)); p != utf8.RuneError {
					r = p
					i = min(i+6, len(b)-1)
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, b[i])
		}
	}
	return out
}

func hex4(b []byte, at int) rune {
	if at+4 > len(b) {
		return utf8.RuneError
	}
	v, err := strconv.ParseUint(string(b[at:at+4]), 16, 32)
	if err != nil {
		return utf8.RuneError
	}
	return rune(v)
}

// token reads a number or a literal.
func (s *jsonScan) token() []byte {
	s.scratch = s.scratch[:0]
	for {
		from := s.pos
		for s.pos < s.end && !delimiter[s.buf[s.pos]] {
			s.pos++
		}
		whole := s.pos < s.end
		if whole && len(s.scratch) == 0 {
			return s.buf[from:s.pos]
		}
		s.scratch = append(s.scratch, s.buf[from:min(s.pos, from+maxText-min(len(s.scratch), maxText))]...)
		if whole || !s.fill() {
			return s.scratch
		}
	}
}

var delimiter = func() (d [256]bool) {
	for _, c := range []byte(" \n\t\r,:{}[]\"") {
		d[c] = true
	}
	return d
}()

// skip goes over one value. Depth is a number and no recursion, so that no
// nesting exhausts the stack.
func (s *jsonScan) skip() bool {
	depth := 0
	for {
		switch c := s.peek(); c {
		case 0:
			return false
		case '"':
			if !s.skipText() {
				return false
			}
		case '{', '[':
			depth++
			s.pos++
			continue
		case '}', ']':
			if depth == 0 {
				return false
			}
			depth--
			s.pos++
		case ',', ':':
			if depth == 0 {
				return false
			}
			s.pos++
			continue
		default:
			for s.pos < s.end && !delimiter[s.buf[s.pos]] {
				s.pos++
			}
			if s.pos == s.end && s.fill() && !delimiter[s.buf[s.pos]] {
				continue // the rest of the same token
			}
		}
		if depth == 0 {
			return true
		}
	}
}

func (s *jsonScan) skipText() bool {
	s.pos++
	for {
		i := bytes.IndexByte(s.buf[s.pos:s.end], '"')
		if i >= 0 && bytes.IndexByte(s.buf[s.pos:s.pos+i], '\\') < 0 {
			s.pos += i + 1
			return true
		}
		for s.pos < s.end && s.buf[s.pos] != '"' && s.buf[s.pos] != '\\' {
			s.pos++
		}
		if s.pos < s.end {
			c := s.buf[s.pos]
			s.pos++
			if c == '"' {
				return true
			}
			if s.pos == s.end && !s.fill() {
				return false
			}
			s.pos++ // what is escaped
			continue
		}
		if !s.fill() {
			return false
		}
	}
}

// object calls member for each member of the object that is next; member
// must read the value. array is the same for the elements of an array.
func (s *jsonScan) object(member func(key []byte) bool) bool {
	s.pos++
	for {
		switch s.peek() {
		case '}':
			s.pos++
			return true
		case ',':
			s.pos++
			continue
		case '"':
		default:
			return false
		}
		key, ok := s.text()
		if !ok {
			return false
		}
		// The key may lie in the buffer that peek fills anew.
		var small [40]byte
		if s.pos == s.end || s.buf[s.pos] != ':' {
			key = append(small[:0], key...)
			if s.peek() != ':' {
				return false
			}
		}
		s.pos++
		if s.pos+1 >= s.end {
			key = append(small[:0], key...)
		}
		if s.peek() == 0 || !member(key) {
			return false
		}
	}
}

func (s *jsonScan) array(element func() bool) bool {
	s.pos++
	for {
		switch s.peek() {
		case 0:
			return false
		case ']':
			s.pos++
			return true
		case ',':
			s.pos++
		default:
			if !element() {
				return false
			}
		}
	}
}

// thousandths reads a number times 1000, rounded: the nanoseconds of
// microseconds, without a float's loss of digits.
func thousandths(b []byte) (int64, bool) {
	var v int64
	i, neg := 0, false
	if len(b) > 0 && b[0] == '-' {
		neg, i = true, 1
	}
	from := i
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		if v > maxNanos/1000 {
			return 0, false
		}
		v = v*10 + int64(b[i]-'0')
	}
	if i == from || v > maxNanos/1000 {
		return 0, false
	}
	v *= 1000
	if i < len(b) && b[i] == '.' {
		scale := int64(100)
		for i++; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
			if scale > 0 {
				v += scale * int64(b[i]-'0')
				scale /= 10
			} else if scale == 0 {
				if b[i] >= '5' {
					v++
				}
				scale = -1
			}
		}
	}
	if i < len(b) {
		f, err := strconv.ParseFloat(string(b), 64)
		f *= 1000
		if err != nil || math.IsNaN(f) || math.Abs(f) > maxNanos {
			return 0, false
		}
		return int64(math.Round(f)), true
	}
	if neg {
		v = -v
	}
	return v, true
}

// maxNanos is what a time may be: sums and differences of two still fit.
const maxNanos = 1 << 61
