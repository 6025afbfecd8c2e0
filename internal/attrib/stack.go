package attrib

import (
	"slices"
	"strings"

	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// maxTraceDepth is the runtime's limit for the stacks in a trace; a stack of
// that many frames has lost its root.
const maxTraceDepth = 128

// cutFrame is the root of a stack whose real root was cut off.
var cutFrame = ledger.Frame{Func: "[stack cut at 128 frames]"}

// ownFrame stands for all that profscope does on a goroutine of the user's:
// what a scope's edges take that are not its own.
var ownFrame = ledger.Frame{Func: "[profscope]"}

const (
	ownDoors  = "github.com/profscope/profscope/"
	ownInside = ownDoors + "internal/"
)

// isStub tells frames of the recorder that the launcher links into programs,
// in a package of the standard library that is empty otherwise.
func isStub(fn string) bool { return strings.HasPrefix(fn, "runtime/msan.") }

// isOwn tells frames of ours, which never show.
func isOwn(fn string) bool {
	rest, ok := strings.CutPrefix(fn, ownDoors)
	return isStub(fn) || ok && (strings.HasPrefix(rest, "cprofile.") || strings.HasPrefix(rest, "context.") || strings.HasPrefix(rest, "httpprofile.") || strings.HasPrefix(rest, "internal/"))
}

// isInside tells frames of ours below the doors, which call no function of the
// user's: all that they call is ours to answer for.
func isInside(fn string) bool {
	return strings.HasPrefix(fn, ownInside) || isStub(fn)
}

// isOwnGoroutine tells start functions of profscope's own goroutines. Those of
// cprofile are not: a wrapped function may be started by a go statement.
func isOwnGoroutine(fn string) bool {
	rest, ok := strings.CutPrefix(fn, ownInside)
	return isStub(fn) || ok && (strings.HasPrefix(rest, "launch/stub.") || strings.HasPrefix(rest, "session.") || strings.HasPrefix(rest, "report.") || strings.HasPrefix(rest, "dest."))
}

// isGlue tells frames that are dropped where they touch a frame of ours:
// what lies between a wrapper and the wrapped function, and between a
// function and its deferred stop.
func isGlue(fn string) bool {
	switch fn {
	case "reflect.makeFuncStub", "reflect.callReflect", "reflect.callMethod", "reflect.methodValueCall",
		"reflect.Value.call", "reflect.Value.Call", "reflect.Value.CallSlice",
		"reflect.call", "runtime.reflectcall", "runtime.deferreturn":
		return true
	}
	n, ok := strings.CutPrefix(fn, "runtime.call")
	return ok && n != "" && strings.Trim(n, "0123456789") == ""
}

// isRoot tells frames that some events' stacks have and others' lack.
func isRoot(fn string) bool {
	return fn == "runtime.goexit" || fn == "runtime.main" || fn == "runtime.asyncPreempt" || fn == "runtime.asyncPreempt2"
}

// stacks gives one shape to the stacks of all events.
type stacks struct {
	*ledger.Stacks
	table     Table // of the generation at hand
	startLine func(pc uint64, fn string) int64
	lines     map[pcFunc]int64 // start lines found so far
	ancestors pairs
	hung      pairs // what under has found
}

type pcFunc struct {
	pc uint64
	fn string
}

// pairs remembers what was last found of two stacks, for as many as it has
// room for: what it has forgotten is found again. The zero value is ready, and
// says of two empty stacks that the empty one was found.
type pairs [1 << pairsLog]pair

const pairsLog = 12

type pair struct{ a, b, found ledger.StackID }

// at returns the only place where a and b can be.
func (p *pairs) at(a, b ledger.StackID) *pair {
	return &p[(uint64(a)<<32|uint64(b))*0x9e3779b97f4a7c15>>(64-pairsLog)]
}

// intern returns the cleaned stack that id names.
func (t *stacks) intern(id wire.StackID) ledger.StackID {
	if id == 0 {
		return 0
	}
	return t.table.Stack(t, id)
}

// Clean interns frames, leaf first, without what is not to be seen:
//
//  1. drop frames of the runtime that only some events show (isRoot),
//  2. drop profscope's own frames and the glue that touches them,
//  3. put one frame in place of what profscope's inside calls; the mark of an
//     edge ends there and calls nothing,
//  4. mark a stack that the runtime cut.
func (t *stacks) Clean(fs []wire.Frame) ledger.StackID {
	var id ledger.StackID
	if len(fs) >= maxTraceDepth {
		id = t.Push(id, t.Frame(cutFrame))
	}
	for i := len(fs) - 1; i >= 0; i-- { // the trace has the leaf first
		fn := fs[i].Func
		if isInside(fn) {
			if slices.ContainsFunc(fs[:i], func(f wire.Frame) bool { return !isOwn(f.Func) }) {
				id = t.Push(id, t.Frame(ownFrame))
			}
			break
		}
		if isRoot(fn) || isOwn(fn) || isGlue(fn) && touchesOwn(fs, i) {
			continue
		}
		id = t.Push(id, t.Frame(ledger.Frame{
			Func: fn, File: fs[i].File, Line: int64(fs[i].Line), StartLine: t.start(fs[i].PC, fn),
		}))
	}
	return id
}

// touchesOwn reports whether the run of glue frames around fs[i] ends at a
// frame of ours on either side.
func touchesOwn(fs []wire.Frame, i int) bool {
	for _, step := range []int{1, -1} {
		for j := i + step; j >= 0 && j < len(fs); j += step {
			if isOwn(fs[j].Func) {
				return true
			}
			if !isGlue(fs[j].Func) {
				break
			}
		}
	}
	return false
}

func (t *stacks) start(pc uint64, fn string) int64 {
	if t.startLine == nil {
		return 0
	}
	k := pcFunc{pc, fn}
	n, ok := t.lines[k]
	if !ok {
		n = t.startLine(pc, fn)
		t.lines[k] = n
	}
	return n
}

// under returns the stack s hung under prefix; nearly always it has done so
// before.
func (t *stacks) under(prefix, s ledger.StackID) ledger.StackID {
	p := t.hung.at(prefix, s)
	if p.a != prefix || p.b != s {
		*p = pair{prefix, s, t.Under(prefix, s)}
	}
	return p.found
}

// between returns the deepest common ancestor of the stacks known before and
// after a running span.
func (t *stacks) between(a, b ledger.StackID) ledger.StackID {
	if a == b {
		return a
	}
	p := t.ancestors.at(a, b)
	if p.a != a || p.b != b {
		*p = pair{a, b, t.Ancestor(a, b)}
	}
	return p.found
}
