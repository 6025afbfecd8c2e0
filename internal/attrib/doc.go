// Package attrib turns the events of a Go execution trace into spans, booked
// to the scopes whose goroutines spent them.
//
// [Fold] is a fold: it is given one event at a time, in the order of the
// trace, and keeps what is open. The caller owns the loop; [Read] is the loop
// over a stream. A scope's edges are user log events with the categories
// below, whose task id names the scope; everything else (who is a member, what
// each member did) follows from the runtime's own events.
//
// Only members are followed: to all other goroutines an event costs one map
// look-up, which is what keeps a scope cheap in a busy process.
package attrib

// Categories of the user log events that mark a scope's edges. They carry no
// message where the scope's own goroutine writes them: a message would take
// the tracer's global string lock.
const (
	CategoryBegin = "profscope.begin"
	CategoryEnd   = "profscope.end"
	// CategoryJoin and CategoryLeave bracket a worker's part in a scope; the
	// message names the join, so that leaving may happen on any goroutine.
	CategoryJoin  = "profscope.join"
	CategoryLeave = "profscope.leave"
	// CategoryName tells a scope's destination, once per recording, to those
	// who read the trace without the program.
	CategoryName = "profscope.name"
)
