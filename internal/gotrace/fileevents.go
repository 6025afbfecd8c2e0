package gotrace

import (
	"fmt"
	"io"

	"golang.org/x/exp/trace"
)

// fileEvent is an event of a file, with what the two most frequent kinds say.
// Names of tasks that end, and of the range in which the world is stopped, the
// parser makes while it reads: they are asked for before it reads on.
type fileEvent struct {
	trace.Event
	kind    trace.EventKind
	changed trace.StateTransition // of an EventStateTransition
	ranged  trace.Range           // of the three kinds of ranges
	task    trace.Task            // of a begin or an end
}

func (e *fileEvent) isRange() bool {
	return e.kind == trace.EventRangeBegin || e.kind == trace.EventRangeActive || e.kind == trace.EventRangeEnd
}

// isEdge reports whether the event is a begin or an end of what is drawn as one
// piece. The marks of scopes and of some regions are log events.
func (e *fileEvent) isEdge() bool {
	switch e.kind {
	case trace.EventTaskBegin, trace.EventTaskEnd, trace.EventRegionBegin, trace.EventRegionEnd, trace.EventLog:
		return true
	}
	return e.isRange()
}

// fileBatch is what goes from the reading to the folding.
type fileBatch struct {
	events []fileEvent
	err    error // after the events; io.EOF at the end
}

// Sizes of batches: long enough that handing them over costs nothing, and few
// enough that they stay in the cache.
const (
	batchEvents  = 512
	batchesAhead = 4
)

// events reads all events and takes them, at once on two cores: either is half
// of the work.
func (p *fileReader) events(tr *trace.Reader) error {
	full, empty := make(chan *fileBatch, batchesAhead), make(chan *fileBatch, batchesAhead)
	stop := make(chan struct{})
	ended := make(chan struct{})
	for range batchesAhead {
		empty <- &fileBatch{events: make([]fileEvent, 0, batchEvents)}
	}
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			case b := <-empty:
				p.fill(tr, b)
				full <- b // there is room for all
				if b.err != nil {
					return
				}
			}
		}
	}()
	// The file is read no more when this returns.
	defer func() { <-ended }()
	defer close(stop)
	for b := range full {
		for i := range b.events {
			if done := p.event(&b.events[i]); done {
				return nil
			}
		}
		switch b.err {
		case nil:
			empty <- b
		case io.EOF:
			return nil
		default:
			return b.err
		}
	}
	return nil
}

// fill reads events until b is full. A panic of the parser is an error.
func (p *fileReader) fill(tr *trace.Reader, b *fileBatch) {
	defer func() {
		if v := recover(); v != nil {
			b.err = fmt.Errorf("the parser panicked at about byte %d: %v", p.counted.Load(), v)
		}
	}()
	b.events = b.events[:0]
	for len(b.events) < cap(b.events) {
		e, err := tr.ReadEvent()
		if err == io.EOF {
			b.err = err
			return
		}
		if err != nil {
			b.err = fmt.Errorf("at about byte %d: %w", p.counted.Load(), err)
			return
		}
		b.events = b.events[:len(b.events)+1]
		last := &b.events[len(b.events)-1]
		last.Event, last.kind = e, e.Kind()
		switch {
		case last.kind == trace.EventStateTransition:
			last.changed = e.StateTransition()
		case last.isRange():
			last.ranged = e.Range()
		case last.kind == trace.EventTaskBegin, last.kind == trace.EventTaskEnd:
			last.task = e.Task()
		}
	}
}
