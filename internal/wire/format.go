package wire

import "encoding/binary"

// Header is what a trace of the format that this package knows begins with.
const Header = "go 1.26 trace\x00\x00\x00"

// The types of events, as in internal/trace/tracev2 of the Go tree.
const (
	evEventBatch          = 1
	evStacks              = 2
	evStack               = 3
	evStrings             = 4
	evString              = 5
	evCPUSamples          = 6
	evCPUSample           = 7
	evFrequency           = 8
	evProcsChange         = 9
	evGoCreate            = 14
	evGoCreateSyscall     = 15
	evGoStart             = 16
	evGoDestroy           = 17
	evGoDestroySyscall    = 18
	evGoStop              = 19
	evGoBlock             = 20
	evGoUnblock           = 21
	evGoSyscallBegin      = 22
	evGoSyscallEnd        = 23
	evGoSyscallEndBlocked = 24
	evGoStatus            = 25
	evSTWBegin            = 26
	evSTWEnd              = 27
	evGCActive            = 28
	evGCBegin             = 29
	evGCEnd               = 30
	evGCSweepActive       = 31
	evGCSweepBegin        = 32
	evGCSweepEnd          = 33
	evGCMarkAssistActive  = 34
	evGCMarkAssistBegin   = 35
	evGCMarkAssistEnd     = 36
	evHeapAlloc           = 37
	evHeapGoal            = 38
	evUserTaskBegin       = 40
	evUserTaskEnd         = 41
	evUserRegionBegin     = 42
	evUserRegionEnd       = 43
	evUserLog             = 44
	evGoSwitch            = 45
	evGoSwitchDestroy     = 46
	evGoCreateBlocked     = 47
	evGoStatusStack       = 48
	evExperimentalBatch   = 49
	evSync                = 50
	evClockSnapshot       = 51
	evEndOfGeneration     = 52
)

// args is the number of varints of each timed event, the time included; 0 for
// types that do not stand in a batch of events.
var args = [256]uint8{
	evProcsChange: 3, 10: 3, 11: 1, 12: 4, 13: 3,
	evGoCreate: 4, evGoCreateSyscall: 2, evGoStart: 3, evGoDestroy: 1, evGoDestroySyscall: 1,
	evGoStop: 3, evGoBlock: 3, evGoUnblock: 4, evGoSyscallBegin: 3, evGoSyscallEnd: 1,
	evGoSyscallEndBlocked: 1, evGoStatus: 4,
	evSTWBegin: 3, evSTWEnd: 1,
	evGCActive: 2, evGCBegin: 3, evGCEnd: 2, evGCSweepActive: 2, evGCSweepBegin: 2, evGCSweepEnd: 3,
	evGCMarkAssistActive: 2, evGCMarkAssistBegin: 2, evGCMarkAssistEnd: 1,
	evHeapAlloc: 2, evHeapGoal: 2,
	39:              2, // a label
	evUserTaskBegin: 5, evUserTaskEnd: 3, evUserRegionBegin: 4, evUserRegionEnd: 4,
	evUserLog: 5, evGoSwitch: 3, evGoSwitchDestroy: 3, evGoCreateBlocked: 4, evGoStatusStack: 5,
}

// maxArgs is the most that an event has beside its time.
const maxArgs = 4

// noThread is the thread of batches that the tracer writes for nobody, with
// the statuses of goroutines that did nothing in a generation.
const noThread = ^uint64(0)

// maxBatch bounds a batch; the runtime's are 64 KiB.
const maxBatch = 1 << 20

// uvarint is binary.Uvarint with a short way for one byte; n is 0 where b is
// too short or the number too long.
func uvarint(b []byte) (v uint64, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	v, n = binary.Uvarint(b)
	return v, max(n, 0)
}

// Batch is what stands before the events of a batch.
type Batch struct {
	Type       byte // one of the Type constants
	Generation uint64
	Thread     uint64 // all bits set for none
	Time       uint64 // ticks
	Head, Body int    // lengths, of what tells this and of the events
}

// The types of what traces are made of, for those who change a trace and do
// not read it. They are the same in all versions since Go 1.22.
const (
	TypeBatch       = evEventBatch
	TypeStrings     = evStrings
	TypeString      = evString
	TypeRegionBegin = evUserRegionBegin
	TypeRegionEnd   = evUserRegionEnd
	TypeLog         = evUserLog
)

// ReadBatch reads the head of the batch that p begins with. Its Head is 0 if p
// ends within it; ok is false if p begins with no batch.
func ReadBatch(p []byte) (b Batch, ok bool) {
	if len(p) == 0 {
		return b, true
	}
	b.Type = p[0]
	i := 1
	switch p[0] {
	case evEndOfGeneration:
		b.Head = 1
		return b, true
	case evEventBatch:
	case evExperimentalBatch:
		i = 2
	default:
		return b, false
	}
	var v [4]uint64
	for k := range v {
		if i >= len(p) {
			return b, true
		}
		x, n := binary.Uvarint(p[i:])
		if n < 0 {
			return b, false
		}
		if n == 0 {
			return b, true
		}
		v[k], i = x, i+n
	}
	if v[3] > maxBatch {
		return b, false
	}
	b.Generation, b.Thread, b.Time, b.Body, b.Head = v[0], v[1], v[2], int(v[3]), i
	return b, true
}

// EventEnd returns where the event at body[i], of a batch of events, ends; ok
// is false if it is of no known type, or cut.
func EventEnd(body []byte, i int) (end int, ok bool) {
	left := args[body[i]]
	if left == 0 {
		return 0, false
	}
	for i++; left > 0; i++ {
		if i >= len(body) {
			return 0, false
		}
		if body[i] < 0x80 {
			left--
		}
	}
	return i, true
}

// OfThread returns the head of p, a piece as the tracer writes them, if it is a
// batch of some thread's events: not statuses of idle goroutines, strings or
// stacks, which come all at once at a generation's end.
func OfThread(p []byte) (b Batch, ok bool) {
	b, ok = ReadBatch(p)
	return b, ok && b.Head > 1 && b.Thread != noThread
}

// TicksPerSecond returns the unit of the trace's times if p, a piece as the tracer
// writes them, tells it: that is one of the first in every generation.
func TicksPerSecond(p []byte) (hz uint64, ok bool) {
	b, ok := ReadBatch(p)
	if !ok || b.Head == 0 || len(p) < b.Head+2 || p[b.Head] != evSync || p[b.Head+1] != evFrequency {
		return 0, false
	}
	hz, n := uvarint(p[b.Head+2:])
	return hz, n > 0 && hz > 0
}

// EndsGeneration reports whether p, a piece as the tracer writes them, is the
// end of a generation.
func EndsGeneration(p []byte) bool { return len(p) == 1 && p[0] == evEndOfGeneration }
