package attrib

import (
	"runtime"

	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
)

// SampleProcess books ns nanoseconds of one goroutine, whoever's it is, to
// every destination that has an open call: the fallback where there is no
// trace. frames is the goroutine's stack, leaf first. Goroutines of the
// runtime and of profscope are passed over.
func (f *Fold) SampleProcess(frames []runtime.Frame, ns int64) {
	var raw []wire.Frame
	for _, fr := range frames {
		if foreignStarts[fr.Function] || isOwnGoroutine(fr.Function) {
			return
		}
		raw = append(raw, wire.Frame{PC: uint64(fr.PC), Func: fr.Function, File: fr.File, Line: uint64(fr.Line)})
	}
	id := f.Clean(raw)
	done := make(map[*ledger.Ledger]bool)
	for _, c := range f.openCalls(nil) {
		if l := c.Door.Ledger; !done[l] {
			done[l] = true
			c.Book.Add(ledger.Key{Stack: id, State: ledger.Unknown, Role: ledger.Process}, ns)
		}
	}
}
