package wire

// State is what a goroutine is doing, as the trace tells it.
type State uint8

const (
	Undetermined State = iota // before the first that is told of a goroutine
	NotExist
	Runnable
	Running
	Syscall
	Waiting
)

var stateNames = [...]string{"undetermined", "not existing", "runnable", "running", "syscall", "waiting"}

// String returns the state's name.
func (s State) String() string { return stateNames[s] }

// statuses maps the trace's numbers of states to ours.
var statuses = [...]State{1: Runnable, 2: Running, 3: Syscall, 4: Waiting}

// NoGoroutine stands where an event happened on a thread that ran none.
const NoGoroutine = -1

// StackID names a stack of the [Tables] at hand, 0 none.
type StackID uint64

// Transition is a change of a goroutine's state, or a status, which tells the
// state that it is in: then From is that state, or Undetermined where nothing
// was known of it.
type Transition struct {
	Time      int64 // nanoseconds of the trace's clock
	Goroutine int64 // whose state
	On        int64 // the goroutine that ran when it happened
	From, To  State
	Reason    StringID // why it waits, or stopped running; 0 for none
	At        StackID  // where On stood
	// Own is the stack of Goroutine itself: where it stood, or, when it is
	// created, the function that it will begin with.
	Own StackID
	// Idle says that this is the status of a goroutine that did nothing in the
	// generation; its time is about the generation's end.
	Idle bool
}

// Log is a user's log event.
type Log struct {
	Time              int64
	On                int64
	Task              uint64
	Category, Message StringID
	At                StackID
}

// Sample is a CPU sample.
type Sample struct {
	Time   int64
	On     int64 // or NoGoroutine
	Thread uint64
	At     StackID
}

// Assist is an edge of the time that a goroutine spends helping the garbage
// collector.
type Assist struct {
	Time      int64
	Goroutine int64
	Begin     bool // or it was going on when the generation began
	At        StackID
}

// Handler is given what is read. Pointers are valid during the call only,
// string and stack ids until the next call of Generation.
type Handler interface {
	// Generation is called before the first event of each generation, and
	// once more at the end of the trace, with no tables.
	Generation(*Tables)
	Transition(*Transition)
	Log(*Log)
	Sample(*Sample)
	Assist(*Assist)
}

// DetailKind tells what a Detail is.
type DetailKind uint8

const (
	HeapAlloc DetailKind = iota // Value is in bytes
	HeapGoal                    // the same
	Procs                       // GOMAXPROCS, in Value
	StopBegin                   // stop the world, for the reason Name
	StopEnd                     // the innermost of the thread
	GCBegin                     // or it was going on when the generation began
	GCEnd
	SweepBegin // on the thread
	SweepEnd
	TaskBegin // Value is its id, Name its type
	TaskEnd   // Value is its id
	RegionBegin
	RegionEnd
)

// Detail is what no goroutine's state follows from.
type Detail struct {
	Kind   DetailKind
	Time   int64
	On     int64
	Thread uint64
	Value  uint64
	Name   StringID
	At     StackID
}

// DetailHandler is a Handler that wants all that a timeline shows.
type DetailHandler interface {
	Handler
	Detail(*Detail)
	// Snapshot tells, once, before the first generation, one moment by the
	// trace's clock and by the wall clock, in nanoseconds since 1970.
	Snapshot(trace, unix int64)
}
