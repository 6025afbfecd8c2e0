package wire

import "iter"

// Generations splits a whole trace, as a FlightRecorder gives it, into its
// header, with number 0, and its generations, with their numbers. It ends at
// the first thing that it does not understand.
func Generations(b []byte) iter.Seq2[uint64, []byte] {
	return func(yield func(uint64, []byte) bool) {
		if len(b) < len(Header) || !yield(0, b[:len(Header)]) {
			return
		}
		b = b[len(Header):]
		var number uint64
		begin, i := 0, 0
		for i < len(b) {
			h, ok := ReadBatch(b[i:])
			if !ok || h.Head == 0 || i+h.Head+h.Body > len(b) {
				return
			}
			if h.Type == evEventBatch && number == 0 {
				number = h.Generation
			}
			i += h.Head + h.Body
			if h.Type == evEndOfGeneration {
				if !yield(number, b[begin:i]) {
					return
				}
				begin, number = i, 0
			}
		}
	}
}
