package attrib

import (
	"encoding/binary"
	"iter"
)

// Generations splits a whole trace, as a FlightRecorder gives it, into its
// header, with number 0, and its generations, with their numbers. It ends at
// the first thing that it does not understand.
func Generations(b []byte) iter.Seq2[uint64, []byte] {
	return func(yield func(uint64, []byte) bool) {
		if len(b) < wireHeader || !yield(0, b[:wireHeader]) {
			return
		}
		b = b[wireHeader:]
		var number uint64
		begin, i := 0, 0
		for i < len(b) {
			head, size, ok := batchHeader(b[i:])
			if !ok || head == 0 || i+head+size > len(b) {
				return
			}
			if b[i] == wireEventBatch && number == 0 {
				number, _ = binary.Uvarint(b[i+1:])
			}
			end := b[i] == wireEndOfGen
			i += head + size
			if end {
				if !yield(number, b[begin:i]) {
					return
				}
				begin, number = i, 0
			}
		}
	}
}
