package wire

import (
	"errors"
	"fmt"
	"sort"
)

// thread is what is known of one thread, and its events of the generation at
// hand that have not been given.
type thread struct {
	id uint64
	g  *goroutine // that runs on it, or is in a system call there

	batches []events
	next    int    // batch
	data    []byte // rest of the batch at hand
	time    uint64 // of the event that data begins with, in ticks
	args    int    // where its arguments begin in data
}

// events is a batch, with the time of its begin in ticks.
type events struct {
	time uint64
	data []byte
}

// matters tells the events that are given, and those that are needed to bring
// these in order. All others are passed over before anything is compared.
var matters = [256]bool{
	evGoCreate: true, evGoCreateSyscall: true, evGoStart: true, evGoDestroy: true, evGoDestroySyscall: true,
	evGoStop: true, evGoBlock: true, evGoUnblock: true, evGoSyscallBegin: true, evGoSyscallEnd: true,
	evGoSyscallEndBlocked: true, evGoStatus: true, evGoStatusStack: true,
	evGCMarkAssistActive: true, evGCMarkAssistBegin: true, evGCMarkAssistEnd: true,
	evUserLog: true, evGoSwitch: true, evGoSwitchDestroy: true, evGoCreateBlocked: true,
}

// matterToo are those that only a [DetailHandler] is given.
var matterToo = [256]bool{
	evProcsChange: true, evSTWBegin: true, evSTWEnd: true, evGCActive: true, evGCBegin: true, evGCEnd: true,
	evGCSweepActive: true, evGCSweepBegin: true, evGCSweepEnd: true, evHeapAlloc: true, evHeapGoal: true,
	evUserTaskBegin: true, evUserTaskEnd: true, evUserRegionBegin: true, evUserRegionEnd: true,
}

// peek goes to the thread's next event that matters, which data begins with
// then; ok is false if there is none.
func (t *thread) peek(details bool) (ok bool, err error) {
	for {
		for len(t.data) == 0 {
			if t.next == len(t.batches) {
				return false, nil
			}
			t.time, t.data = t.batches[t.next].time, t.batches[t.next].data
			t.next++
		}
		typ := t.data[0]
		left := args[typ]
		if left == 0 {
			return false, fmt.Errorf("event of unknown type %d", typ)
		}
		dt, n := uvarint(t.data[1:])
		if n == 0 {
			return false, errCutEvent
		}
		t.time += dt
		t.args = 1 + n
		if matters[typ] || details && matterToo[typ] {
			return true, nil
		}
		i := t.args
		for left--; left > 0; i++ {
			if i >= len(t.data) {
				return false, errCutEvent
			}
			if t.data[i] < 0x80 {
				left--
			}
		}
		t.data = t.data[i:]
	}
}

var errCutEvent = errors.New("an event is cut")

// order gives the events of the generation at hand in the order in which they
// happened:
//
//  1. Each thread's events are in order already. Threads stand in a heap by
//     the time of their next event; the first gives events until another's is
//     earlier.
//  2. Clocks of two threads can disagree by a few ticks. Where the order
//     matters the runtime has numbered what threads do to one goroutine: an
//     event whose number is not the next one waits, and the next thread by
//     time is asked, until one can go on.
//  3. CPU samples come before the first event that is not earlier.
func (r *Reader) order() error {
	h := make(threadHeap, 0, len(r.active))
	for _, t := range r.active {
		ok, err := t.peek(r.details != nil)
		if err != nil {
			return err
		}
		if ok {
			h = append(h, t)
		}
	}
	sort.Stable(h) // what is sorted is a heap
	samples := r.samples
	for len(h) > 0 {
		t, until := h[0], h.second()
		for {
			for len(samples) > 0 && samples[0].time < t.time {
				r.sample(&samples[0])
				samples = samples[1:]
			}
			ok, err := r.step(t)
			if err != nil {
				return err
			}
			if !ok {
				if h, err = r.stepOther(h); err != nil {
					return err
				}
				break
			}
			more, err := t.peek(r.details != nil)
			if err != nil {
				return err
			}
			if !more {
				h = h.dropFirst()
				break
			}
			if t.time > until {
				h.down(0)
				break
			}
		}
	}
	for i := range samples {
		r.sample(&samples[i])
	}
	return nil
}

// stepOther lets another thread than the first go on by one event.
func (r *Reader) stepOther(h threadHeap) (threadHeap, error) {
	sort.Stable(h)
	for i := 1; i < len(h); i++ {
		t := h[i]
		ok, err := r.step(t)
		if err != nil {
			return h, err
		}
		if !ok {
			continue
		}
		more, err := t.peek(r.details != nil)
		if err != nil {
			return h, err
		}
		if !more {
			h = append(h[:i], h[i+1:]...)
		}
		sort.Stable(h)
		return h, nil
	}
	return h, errors.New("no thread can go on: events are missing")
}

// threadHeap has the thread with the earliest event first.
type threadHeap []*thread

func (h threadHeap) Len() int           { return len(h) }
func (h threadHeap) Less(i, j int) bool { return h[i].time < h[j].time }
func (h threadHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// second returns the time up to which the first thread stays the first.
func (h threadHeap) second() uint64 {
	t := ^uint64(0)
	for _, x := range h[1:min(3, len(h))] {
		t = min(t, x.time)
	}
	return t
}

// down restores the heap after the time at i has grown.
func (h threadHeap) down(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h); c++ {
			if h[c].time < h[least].time {
				least = c
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

func (h threadHeap) dropFirst() threadHeap {
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	h.down(0)
	return h
}
