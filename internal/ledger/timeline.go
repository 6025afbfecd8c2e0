package ledger

// Timeline takes what happened, in the order in which a source knows it, and
// writes it down. Encoders (Perfetto, Chrome trace) and counters of events
// both are timelines, so that a source serves them all with one pass and
// nobody holds the whole of a long recording.
//
// Times are nanoseconds of one monotonic clock. Calls come roughly in order of
// time: a slice that Span gives whole comes at its end. On one track, the
// spans given whole never overlap, and what Begin opens nests properly; what
// does not nest is given a track of its own by the source.
//
// A Timeline is not safe for concurrent use. It keeps its first error, does
// nothing from then on, and gives that error at Close.
type Timeline interface {
	// Clock ties the timeline's clock to the wall clock, once, before all
	// else: at ns, when the timeline begins, the wall clock showed unixNanos, or
	// 0 if the source does not know.
	Clock(ns, unixNanos int64)
	// Track declares a track before its first use.
	Track(Track)
	// Span is a whole slice. Zero-length ones are allowed.
	Span(Slice)
	// Begin opens a nested slice (End is not looked at), and End closes the
	// innermost open one of the track.
	Begin(Slice)
	End(track TrackID, t int64)
	// Instant is a slice without an extent (End is not looked at).
	Instant(Slice)
	// Count is a counter's value from t on.
	Count(track TrackID, t, value int64)
	// Sample is a CPU sample.
	Sample(Sample)
	// Close closes at t, in nanoseconds of the timeline's clock, what is still
	// open, marks it as cut off, and returns the first error.
	Close(t int64) error
}

// TrackID names a track of one timeline; 0 is none.
type TrackID uint64

// TrackKind tells what a track shows, for encoders whose viewers draw them
// differently.
type TrackKind uint8

const (
	// TrackGroup has no events of its own, only tracks below it.
	TrackGroup TrackKind = iota
	// TrackGoroutine shows one goroutine; Number is its id.
	TrackGoroutine
	// TrackThread shows one thread of an operating system; Number is its id.
	TrackThread
	// TrackProcess is a group that stands for an operating system's process, or a
	// device; Number is its id.
	TrackProcess
	// TrackCounter has values and no slices; Unit is theirs.
	TrackCounter
	// TrackAsync shows work of which several pieces may overlap, and that belongs
	// to no thread: a task, a request, a device's stream, garbage collection.
	TrackAsync
)

// Track is one line of a timeline.
type Track struct {
	ID     TrackID
	Parent TrackID // 0: top
	Kind   TrackKind
	Name   string // need not be unique
	Number int64
	Unit   string // of a TrackCounter: "" (a count) or "bytes"
	Order  int32  // among the tracks of the same parent, lowest first
}

// Slice is a named stretch of time on a track.
type Slice struct {
	Track      TrackID
	Begin, End int64
	Name       string
	Category   string
	Stack      StackID // of the source's table; 0: none
	Args       []Arg   // the timeline does not keep the slice
	// FlowsOut and FlowsIn are ids of arrows, each unique in the file, that
	// leave at this slice's end (its begin, if Begin opened it) and arrive at
	// its begin.
	FlowsOut, FlowsIn []uint64
}

// Arg is one named value of a slice: Text where that is not "", else Int.
type Arg struct {
	Name string
	Text string
	Int  int64
}

// Sample is one CPU sample.
type Sample struct {
	T         int64
	Track     TrackID // of the goroutine that ran, 0 if none did
	Goroutine int64   // 0 if none
	Thread    int64   // 0 if not known
	Stack     StackID
}
