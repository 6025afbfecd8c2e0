package attrib

import (
	"strings"

	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// states maps the trace's goroutine states to ours. What is not in the table
// (undetermined, not existing) is no state that time is booked to.
var states = [...]struct {
	state ledger.State
	ok    bool
}{
	wire.Runnable: {ledger.Runnable, true},
	wire.Running:  {ledger.Running, true},
	wire.Waiting:  {ledger.Blocked, true},
	wire.Syscall:  {ledger.Syscall, true},
}

func stateOf(s wire.State) (ledger.State, bool) {
	if int(s) >= len(states) {
		return ledger.Unknown, false
	}
	return states[s].state, states[s].ok
}

const (
	// reasonCoroutine stands for the empty reason of a blocked goroutine:
	// only coroutine switches (iter.Pull) block without one.
	reasonCoroutine = "coroutine"
	// ReasonAssist is running time that the garbage collector took from the
	// goroutine. The trace has it as a range of this name, not as a state.
	ReasonAssist = "GC mark assist"
)

// ofCollector tells the reasons of a goroutine that waits for the garbage
// collector: whoever wakes it is no worker that should have joined.
func ofCollector(reason string) bool {
	// preempted: its stack is being looked at.
	return reason == "preempted" || reason == "wait until GC ends" || strings.HasPrefix(reason, "GC ")
}

// foreignStarts are the start functions of goroutines that the runtime, the
// tracer or the profiler start for themselves: never members, whoever's work
// made them start. A list and no prefix: the coroutines of iter.Pull begin at
// runtime.corostart and are the user's.
var foreignStarts = map[string]bool{
	"runtime.bgsweep":                                     true,
	"runtime.bgscavenge":                                  true,
	"runtime.forcegchelper":                               true,
	"runtime.gcBgMarkWorker":                              true,
	"runtime.runFinalizers":                               true,
	"runtime.runCleanups":                                 true,
	"runtime.updateMaxProcsGoroutine":                     true,
	"runtime.ensureSigM.func1":                            true,
	"runtime.traceStartReadCPU.func1":                     true,
	"runtime.(*traceAdvancerState).start.func1":           true,
	"runtime/trace.(*traceMultiplexer).startLocked.func1": true,
	"runtime/pprof.profileWriter":                         true,
	// Names of Go versions before 1.25.
	"runtime.runfinq":           true,
	"runtime/trace.Start.func1": true,

	"os/signal.loop":           true,
	"os/signal.Notify.func1.1": true,
}
