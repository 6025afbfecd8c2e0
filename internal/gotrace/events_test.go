package gotrace_test

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/profscope/profscope/internal/attrib"
	"golang.org/x/exp/trace"
)

// builder makes the events of a timeline, for one moment on one goroutine.
type builder struct {
	t trace.Time
	g trace.GoID
}

// stackOf reads a stack: root first, functions joined by ";".
func stackOf(s string) trace.Stack {
	if s == "" {
		return trace.NoStack
	}
	var fs []trace.StackFrame
	for fn := range strings.SplitSeq(s, ";") {
		h := fnv.New64a() // frames of one event share a table by PC
		h.Write([]byte(fn))
		fs = append(fs, trace.StackFrame{PC: h.Sum64(), Func: fn, File: "x.go", Line: 1})
	}
	slices.Reverse(fs)
	return trace.MakeStack(fs)
}

var goStates = map[string]trace.GoState{
	"running": trace.GoRunning, "runnable": trace.GoRunnable, "waiting": trace.GoWaiting, "syscall": trace.GoSyscall,
}

// make returns the event of a verb:
//
//	begin TASK STACK, end TASK [STACK], join TASK ID [STACK], leave TASK ID
//	log TASK CATEGORY           a user's log event
//	block REASON STACK          running -> waiting
//	preempt REASON STACK        running -> runnable
//	wake gM [STACK]             gM: waiting -> runnable
//	run                         runnable -> running
//	syscall STACK, sysret, sysblock
//	go gM START [STACK], coro gM START [STACK]   gM is created, runnable or waiting
//	exit                        running -> gone
//	status STATE [STACK]        the status at the begin of a generation
//	assist begin|active|end [STACK]
//	sample STACK, sync
func (b builder) make(verb string, arg func(int) string) (trace.Event, error) {
	self := func(from, to trace.GoState, reason, stack string) (trace.Event, error) {
		return b.transition(b.g, b.g, from, to, reason, stack, "")
	}
	switch verb {
	case "begin":
		return b.log(arg(0), attrib.CategoryBegin, "", arg(1))
	case "end":
		return b.log(arg(0), attrib.CategoryEnd, "", arg(1))
	case "join":
		return b.log(arg(0), attrib.CategoryJoin, arg(1), arg(2))
	case "leave":
		return b.log(arg(0), attrib.CategoryLeave, arg(1), "")
	case "log":
		return b.log(arg(0), arg(1), "", "")
	case "block":
		return self(trace.GoRunning, trace.GoWaiting, arg(0), arg(1))
	case "preempt":
		return self(trace.GoRunning, trace.GoRunnable, arg(0), arg(1))
	case "wake":
		return b.transition(goid(arg(0)), b.g, trace.GoWaiting, trace.GoRunnable, "", arg(1), "")
	case "run":
		return b.transition(b.g, trace.NoGoroutine, trace.GoRunnable, trace.GoRunning, "", "", "")
	case "syscall":
		return self(trace.GoRunning, trace.GoSyscall, "", arg(0))
	case "sysret":
		return self(trace.GoSyscall, trace.GoRunning, "", "")
	case "sysblock":
		return self(trace.GoSyscall, trace.GoRunnable, "", "")
	case "go":
		return b.transition(goid(arg(0)), b.g, trace.GoNotExist, trace.GoRunnable, "", arg(2), arg(1))
	case "coro":
		return b.transition(goid(arg(0)), b.g, trace.GoNotExist, trace.GoWaiting, "", arg(2), arg(1))
	case "exit":
		return self(trace.GoRunning, trace.GoNotExist, "", "")
	case "status":
		return b.transition(b.g, trace.NoGoroutine, trace.GoUndetermined, goStates[arg(0)], "", arg(1), arg(1))
	case "assist":
		kind := map[string]trace.EventKind{"begin": trace.EventRangeBegin, "active": trace.EventRangeActive, "end": trace.EventRangeEnd}[arg(0)]
		return trace.MakeEvent(trace.EventConfig[trace.Range]{Time: b.t, Kind: kind, Goroutine: b.g, Stack: stackOf(arg(1)),
			Details: trace.Range{Name: "GC mark assist", Scope: trace.MakeResourceID(b.g)}})
	case "sample":
		return trace.MakeEvent(trace.EventConfig[trace.StackSample]{Time: b.t, Kind: trace.EventStackSample, Goroutine: b.g, Stack: stackOf(arg(0))})
	case "sync":
		return trace.MakeEvent(trace.EventConfig[trace.Sync]{Time: b.t, Kind: trace.EventSync})
	}
	return trace.Event{}, fmt.Errorf("unknown verb %q", verb)
}

func (b builder) log(task, category, message, stack string) (trace.Event, error) {
	return trace.MakeEvent(trace.EventConfig[trace.Log]{Time: b.t, Kind: trace.EventLog, Goroutine: b.g, Stack: stackOf(stack),
		Details: trace.Log{Task: trace.TaskID(number(task)), Category: category, Message: message}})
}

// transition makes a change of g's state that happens on the goroutine on,
// whose stack is at; start is the stack of a created or parked goroutine.
func (b builder) transition(g, on trace.GoID, from, to trace.GoState, reason, at, start string) (trace.Event, error) {
	st := trace.MakeGoStateTransition(g, from, to)
	if reason != "-" {
		st.Reason = strings.ReplaceAll(reason, "_", " ")
	}
	st.Stack = stackOf(start)
	return trace.MakeEvent(trace.EventConfig[trace.StateTransition]{
		Time: b.t, Kind: trace.EventStateTransition, Goroutine: on, Stack: stackOf(at), Details: st,
	})
}
