package wire

import "fmt"

// snapshot is one moment by three clocks.
type snapshot struct {
	ticks uint64 // of the trace
	mono  uint64 // nanoseconds of the monotonic clock
	unix  int64  // nanoseconds of the wall clock
}

// clock turns the trace's ticks into nanoseconds of the monotonic clock, the
// one that the runtime's nanotime reads. The zero clock must be set.
//
// Nearly everywhere a tick is 64 ns of that very clock. Where the system's
// clock is too coarse (Windows) the processor's counter is used instead; then
// the first generation's snapshot tells how far the two are apart.
type clock struct {
	known  bool
	num    uint64  // nanoseconds per tick where that is a whole number
	factor float64 // and where not
	offset int64
}

// set sets the clock, the first time, and reports whether it was that.
func (c *clock) set(freq uint64, s snapshot) bool {
	if c.known {
		return false // one scale for the whole trace, or times would jump
	}
	c.known = true
	c.factor = 1e9 / float64(freq)
	if 1e9%freq == 0 {
		c.num = 1e9 / freq
	}
	const apart = 1e6 // more than a reading of two clocks takes
	if d := int64(s.mono) - c.nanos(s.ticks); s.mono != 0 && (d > apart || d < -apart) {
		c.offset = d
	}
	return true
}

func (c *clock) nanos(ticks uint64) int64 {
	if c.num != 0 {
		return int64(ticks*c.num) + c.offset
	}
	return int64(float64(ticks)*c.factor) + c.offset
}

// addSync reads the batch that tells of the clocks.
func (r *Reader) addSync(time uint64, b []byte) error {
	for i := 0; i < len(b); {
		typ := b[i]
		i++
		var v [4]uint64
		count := 1
		switch typ {
		case evFrequency:
		case evClockSnapshot: // time, monotonic, seconds, nanoseconds
			count = 4
		default:
			return fmt.Errorf("event %d among the clocks", typ)
		}
		for k := range count {
			x, n := uvarint(b[i:])
			if n == 0 {
				return fmt.Errorf("the clocks are cut")
			}
			v[k], i = x, i+n
		}
		if typ == evFrequency {
			r.freq = v[0]
		} else {
			r.snap = snapshot{time + v[0], v[1], int64(v[2]*1e9 + v[3])}
		}
	}
	return nil
}
