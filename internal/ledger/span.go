package ledger

// Span is the half-open interval [Begin, End) that one goroutine spent in one
// state at one stack. Times are nanoseconds of one monotonic clock; a span
// never crosses the edge of a scope that its goroutine is a member of.
type Span struct {
	Begin, End int64
	Goroutine  int64
	Stack      StackID // running: the deepest common ancestor of the stacks before and after
	Reason     ReasonID
	State      State
	Role       Role

	// Waker is the goroutine that ended a blocked span, 0 where the runtime
	// itself did or nobody has yet, and WakerStack where it stood.
	Waker      int64
	WakerStack StackID
}

// Nanos returns the span's length.
func (s Span) Nanos() int64 { return s.End - s.Begin }
