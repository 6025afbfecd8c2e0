package stub

// Variable is the environment variable that the launcher sets: Version, flags
// separated by commas, the modes separated by plus signs, and the path of its
// socket, all separated by semicolons.
const Variable = "PROFSCOPE_LAUNCH"

// Version is that of the protocol. It stands in the program's file too, where
// the launcher looks for it.
const Version = "profscope-recorder-1"

// Flags of Variable.
const (
	FlagStart    = "start"     // record from the program's first moment on
	FlagSamples  = "samples"   // with CPU samples
	FlagChildren = "children"  // programs that this one starts record too
	FlagTaken    = "taken-by-" // and the mark of a process, where the recorder runs: see link.mark
)

// Commands of the launcher are lines: a word and a number of its choice.
const (
	CommandStart   = "start"
	CommandStop    = "stop"
	CommandAdvance = "advance" // what was recorded so far shall be readable
)

// Kinds of message to the launcher: a byte, the payload's length in four bytes
// (little endian), the payload.
const (
	KindHello   = 'H' // lines of key=value, at once
	KindBegin   = 'B' // a trace begins
	KindTrace   = 'T' // bytes of the trace
	KindEnd     = 'E' // the recording is over; the nanoseconds since its last trace's begin, in digits
	KindGap     = 'G' // the trace is over and its end is lost
	KindProfile = 'P' // a name, a zero byte, a whole pprof profile
	KindNote    = 'N' // a sentence for the user
	KindDone    = 'D' // a command, with its number, has been carried out
	KindRefused = 'R' // the runtime refused to trace; its words
)
