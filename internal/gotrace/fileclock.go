package gotrace

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/exp/trace"
)

// WallBegin returns what the wall clock showed at the first event of the trace
// r, and reads no further than it must; zero if the trace does not tell, as
// none did before Go 1.25.
func WallBegin(r io.Reader) (wall time.Time, err error) {
	var read atomic.Int64
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the parser panicked at about byte %d: %v", read.Load(), v)
		}
	}()
	tr, err := trace.NewReader(&filtered{r: r, count: &read})
	if err != nil {
		return wall, headerError(err)
	}
	begin, begun := trace.Time(0), false
	for {
		e, err := tr.ReadEvent()
		if err == io.EOF {
			return wall, nil
		}
		if err != nil {
			return wall, fmt.Errorf("at about byte %d: %w", read.Load(), err)
		}
		if !begun {
			begin, begun = e.Time(), true
		}
		if e.Kind() != trace.EventSync {
			return wall, nil // the clocks come before all else
		}
		if c := e.Sync().ClockSnapshot; c != nil {
			return wallAt(c, begin), nil
		}
	}
}

// wallAt returns what the wall clock showed at t.
func wallAt(c *trace.ClockSnapshot, t trace.Time) time.Time {
	return c.Wall.Add(time.Duration(t - c.Trace))
}
