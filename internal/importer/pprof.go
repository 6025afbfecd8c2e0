package importer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/google/pprof/profile"
)

// Pprof reads a profile of any producer: profile.proto, and the legacy formats
// that google/pprof knows.
//
// Its parser takes what is no profile whole, and makes a hundred bytes of two
// that are an empty message: so a look is taken first.
func Pprof(r io.Reader) (p *profile.Profile, err error) {
	head, err := readPiece(r, pprofHead)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read pprof profile: after %d bytes: %w", len(head), err)
	}
	r = io.MultiReader(bytes.NewReader(head), r)
	limit, beyond := int64(maxInput), ErrTooLarge
	if !likeProto(head) {
		limit, beyond = pprofLegacy, errLegacy
	}
	b, err := readUpTo(r, limit)
	if err == ErrTooLarge {
		err = beyond
	}
	if err != nil {
		return nil, fmt.Errorf("read pprof profile: %w", err)
	}
	if err := pprofShape(b); err != nil {
		return nil, fmt.Errorf("read pprof profile: %w", err)
	}
	defer func() {
		if v := recover(); v != nil {
			p, err = nil, fmt.Errorf("read pprof profile: its parser panicked: %v", v)
		}
	}()
	if p, err = profile.ParseData(b); err != nil {
		return nil, fmt.Errorf("read pprof profile: %w", err)
	}
	if err := Summable(p); err != nil {
		return nil, fmt.Errorf("read pprof profile: %w", err)
	}
	return p, nil
}

const (
	pprofHead = 64 << 10
	// pprofLegacy bounds what is no profile.proto: the parsers of the legacy
	// formats hold forty times as much.
	pprofLegacy = 12 << 20
)

var errLegacy = errors.New("it does not begin like a profile.proto, and is too large for any of the formats before that")

// likeProto reports whether head could begin a profile.proto: with one of its
// fields, and not with text, whose letters can look like one.
func likeProto(head []byte) bool {
	if len(head) == 0 {
		return false
	}
	field, wire := head[0]>>3, head[0]&7
	if head[0] >= 0x80 || field < 1 || field > 15 || wire != 0 && wire != 2 {
		return false
	}
	for _, c := range head[:min(len(head), 512)] {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c >= 0x7f {
			return true
		}
	}
	return false
}

// Bounds of what is believed of a profile.proto.
const (
	pprofMany  = 1 << 20 // messages, from which on their mean size counts
	pprofSmall = 12      // bytes: a location alone has more
	pprofLong  = 4 << 20 // bytes of one sample: its stack would have a million frames
)

// pprofShape walks over the fields of a profile.proto and refuses what
// decoding would blow up. It says nothing of what is no profile.proto.
func pprofShape(b []byte) error {
	var n, size int64
	for at := 0; at < len(b); {
		tag, k := binary.Uvarint(b[at:])
		if k <= 0 {
			return nil
		}
		begin := at
		at += k
		switch tag & 7 {
		case 0:
			_, k := binary.Uvarint(b[at:])
			if k <= 0 {
				return nil
			}
			at += k
		case 1:
			at += 8
		case 5:
			at += 4
		case 2:
			l, k := binary.Uvarint(b[at:])
			if k <= 0 || l > uint64(len(b)-at-k) {
				return nil
			}
			at += k + int(l)
			if field := tag >> 3; field != 6 && l > pprofLong {
				return fmt.Errorf("at byte %d: a message of %d bytes (field %d), which no profile has", begin, l, field)
			}
		default:
			return nil
		}
		n++
		size += int64(at - begin)
	}
	if n > pprofMany && size/n < pprofSmall {
		return fmt.Errorf("%d messages of %d bytes on average, which no profile has", n, size/n)
	}
	return nil
}
