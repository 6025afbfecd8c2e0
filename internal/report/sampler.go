package report

import (
	"io"
	"slices"
	"time"

	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/ledger"
)

// Sampler collects the CPU samples of all goroutines, the runtime's too, from
// one moment to another. It is guarded by Engine.mu.
type Sampler struct {
	from  int64 // nanoseconds of the trace's clock
	start time.Time
	book  ledger.Book
}

// NewSampler begins one at time t of the trace's clock.
func (e *Engine) NewSampler(t int64) *Sampler {
	s := &Sampler{from: t, start: time.Now()}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.samplers = append(e.samplers, s)
	e.fold.Sampled = e.sampled
	return s
}

func (e *Engine) sampled(t int64, at ledger.StackID) {
	for _, s := range e.samplers {
		if t >= s.from {
			s.book.Sample(ledger.Key{Stack: at})
		}
	}
}

// EndSampler ends s at time t, up to which all must have been read, and writes
// what it has as runtime/pprof would, with notes as comments.
func (e *Engine) EndSampler(s *Sampler, t int64, w io.Writer, notes ...string) error {
	e.mu.Lock()
	e.samplers = slices.DeleteFunc(e.samplers, func(x *Sampler) bool { return x == s })
	if len(e.samplers) == 0 {
		e.fold.Sampled = nil
	}
	l := &ledger.Ledger{Program: program, Stacks: e.stacks.View(), Book: s.book, Start: s.start, Elapsed: t - s.from, Notes: notes}
	e.mu.Unlock()
	return format.CPU(w, l)
}
