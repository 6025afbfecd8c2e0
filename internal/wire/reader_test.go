package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/profscope/profscope/internal/wire"
	xtrace "golang.org/x/exp/trace"
)

// one is what one reader says of one goroutine at one moment.
type one struct {
	what string
	t    int64
	last int64 // the time of the event before it, in the order of x/exp/trace
}

// story is what a reader says of each goroutine, and of the whole.
type story struct {
	gs   map[int64][]one
	n    int
	last int64
}

func (s *story) add(g, t int64, format string, args ...any) {
	s.gs[g] = append(s.gs[g], one{fmt.Sprintf(format, args...), t, s.last})
	s.n++
}

// told is a [wire.Handler] that writes it all down.
type told struct {
	story
	t           *wire.Tables
	generations int
}

func (h *told) stack(id wire.StackID) string {
	var b strings.Builder
	for _, f := range h.t.Frames(nil, id) {
		fmt.Fprintf(&b, " %s:%d", f.Func, f.Line)
	}
	return b.String()
}

func (h *told) Generation(t *wire.Tables) {
	h.t = t
	if t != nil {
		h.generations++
	}
}

func (h *told) Transition(e *wire.Transition) {
	if e.From == wire.Undetermined || e.From == e.To { // a status
		return
	}
	own := ""
	if e.From == wire.NotExist {
		own = " begins" + h.stack(e.Own)
	}
	h.add(e.Goroutine, e.Time, "%v %v %s on %d%s%s", e.From, e.To, h.t.String(e.Reason), e.On, h.stack(e.At), own)
}

func (h *told) Log(e *wire.Log) {
	h.add(e.On, e.Time, "log %d %s %s%s", e.Task, h.t.String(e.Category), h.t.String(e.Message), h.stack(e.At))
}

func (h *told) Sample(e *wire.Sample) { h.add(e.On, e.Time, "sample%s", h.stack(e.At)) }

func (h *told) Assist(e *wire.Assist) {
	h.add(e.Goroutine, e.Time, "assist %v%s", e.Begin, h.stack(e.At))
}

// ours reads b, fed in pieces of size bytes.
func ours(b []byte, size int) (*told, error) {
	h := &told{story: story{gs: make(map[int64][]one)}}
	r := wire.NewReader(h)
	for len(b) > 0 {
		n := min(size, len(b))
		if err := r.Feed(b[:n:n]); err != nil {
			break
		}
		b = b[n:]
	}
	return h, r.Close()
}

var stateNames = map[xtrace.GoState]string{
	xtrace.GoNotExist: "not existing", xtrace.GoRunnable: "runnable", xtrace.GoRunning: "running",
	xtrace.GoSyscall: "syscall", xtrace.GoWaiting: "waiting",
}

// theirs reads b with x/exp/trace.
func theirs(b []byte) (*story, error) {
	s := &story{gs: make(map[int64][]one)}
	r, err := xtrace.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	stack := func(h xtrace.Stack) string {
		var b strings.Builder
		for f := range h.Frames() {
			fmt.Fprintf(&b, " %s:%d", f.Func, f.Line)
		}
		return b.String()
	}
	var last int64
	for {
		e, err := r.ReadEvent()
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return s, err
		}
		t := int64(e.Time())
		s.last, last = last, t
		switch e.Kind() {
		case xtrace.EventStateTransition:
			st := e.StateTransition()
			if st.Resource.Kind != xtrace.ResourceGoroutine {
				continue
			}
			from, to := st.Goroutine()
			if from == to || from == xtrace.GoUndetermined {
				continue
			}
			own := ""
			if from == xtrace.GoNotExist {
				own = " begins" + stack(st.Stack)
			}
			s.add(int64(st.Resource.Goroutine()), t, "%s %s %s on %d%s%s", stateNames[from], stateNames[to], st.Reason, e.Goroutine(), stack(e.Stack()), own)
		case xtrace.EventLog:
			l := e.Log()
			s.add(int64(e.Goroutine()), t, "log %d %s %s%s", l.Task, l.Category, l.Message, stack(e.Stack()))
		case xtrace.EventStackSample:
			s.add(int64(e.Goroutine()), t, "sample%s", stack(e.Stack()))
		case xtrace.EventRangeBegin, xtrace.EventRangeEnd, xtrace.EventRangeActive:
			if rg := e.Range(); rg.Name == "GC mark assist" {
				s.add(int64(rg.Scope.Goroutine()), t, "assist %v%s", e.Kind() != xtrace.EventRangeEnd, stack(e.Stack()))
			}
		}
	}
}

// A sample may fall on the very moment of an event: which came first is then
// anybody's guess. So samples are compared apart from the rest.
func apart(os []one) (events, samples []one) {
	for _, o := range os {
		if strings.HasPrefix(o.what, "sample") {
			samples = append(samples, o)
		} else {
			events = append(events, o)
		}
	}
	return events, samples
}

func compare(t *testing.T, raw []byte) {
	t.Helper()
	want, err := theirs(raw)
	if err != nil {
		t.Fatal("x/exp/trace: ", err)
	}
	got, err := ours(raw, 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	if got.n != want.n || got.n == 0 {
		t.Errorf("%d things are told, want %d", got.n, want.n)
	}
	for id, all := range want.gs {
		w, ws := apart(all)
		g, gs := apart(got.gs[id])
		for _, p := range []struct{ got, want []one }{{g, w}, {gs, ws}} {
			if len(p.got) != len(p.want) {
				t.Errorf("goroutine %d: %d things are told, want %d", id, len(p.got), len(p.want))
				continue
			}
			for i := range p.want {
				// x/exp/trace moves times so that none is before another's.
				moved := max(p.got[i].t, p.want[i].last+1)
				if p.got[i].what != p.want[i].what || moved != p.want[i].t {
					t.Fatalf("goroutine %d, %d of %d:\n%+v\nwant\n%+v", id, i, len(p.want), p.got[i], p.want[i])
				}
			}
		}
	}
}

// TestReaderAgrees reads recordings of this program with x/exp/trace too: each
// goroutine's history is the same, to the last stack.
func TestReaderAgrees(t *testing.T) {
	for name, f := range workloads {
		t.Run(name, func(t *testing.T) {
			raw := record(t, func() { f(t) })
			if !bytes.HasPrefix(raw, []byte(wire.Header)) {
				t.Skipf("this Go writes another format: %q", raw[:16])
			}
			if name == "processors that come and go, and threads" {
				// Which x/exp/trace does not always read: what we read must
				// then be whole all the same.
				if _, err := theirs(raw); err != nil {
					if _, err := ours(raw, 1<<20); err != nil {
						t.Error(err)
					}
					t.Skip("x/exp/trace does not read it: ", err)
				}
			}
			compare(t, raw)
		})
	}
}

// TestReaderPieces feeds a trace in pieces of any size.
func TestReaderPieces(t *testing.T) {
	raw := record(t, func() { workloads["short goroutines"](t) })
	want, err := ours(raw, len(raw))
	if err != nil || want.generations < 3 || want.n < 500 {
		t.Fatalf("%d generations, %d things: %v", want.generations, want.n, err)
	}
	for _, size := range []int{1, 2, 3, 7, 100, 1000, 65537} {
		got, err := ours(raw, size)
		if err != nil || got.n != want.n || got.generations != want.generations {
			t.Errorf("in pieces of %d: %d of %d things, %d of %d generations: %v", size, got.n, want.n, got.generations, want.generations, err)
		}
	}
}

// TestReaderCut gives what was whole.
func TestReaderCut(t *testing.T) {
	raw := record(t, func() { workloads["coroutines"](t) })
	whole, err := ours(raw, len(raw))
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	for n := 0; n < len(raw); n += 1 + n/50 {
		got, err := ours(raw[:n], 1000)
		if n < len(wire.Header) && !errors.Is(err, wire.ErrCut) {
			t.Errorf("cut at %d: %v", n, err)
		}
		if got.generations < last {
			t.Errorf("cut at %d: %d generations, and %d were whole before", n, got.generations, last)
		}
		last = got.generations
	}
	if last == 0 || last > whole.generations {
		t.Errorf("%d generations of %d were seen", last, whole.generations)
	}
	other := append([]byte("go 1.99 trace\x00\x00\x00"), raw[16:]...)
	if _, err := ours(other, 100); !errors.Is(err, wire.ErrFormat) {
		t.Errorf("another version: %v", err)
	}
}

// TestReaderTells: what is wrong is told with the generation that it is in.
func TestReaderTells(t *testing.T) {
	raw := record(t, func() { workloads["short goroutines"](t) })
	told := 0
	for at := len(wire.Header); at < len(raw); at += max(1, len(raw)/50) {
		bent := bytes.Clone(raw)
		bent[at] ^= 0xff
		_, err := ours(bent, len(bent))
		if err == nil || errors.Is(err, wire.ErrCut) {
			continue
		}
		told++
		if strings.Contains(err.Error(), "generation 0:") {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
	if told == 0 {
		t.Error("nothing was wrong")
	}
}

// FuzzReader changes bytes of a real trace and reads arbitrary ones: nothing
// panics, no time goes backwards without being told by an error, and what
// x/exp/trace reads is read the same.
func FuzzReader(f *testing.F) {
	raw := record(f, func() { workloads["coroutines"](f); workloads["short goroutines"](f) })
	f.Add([]byte{}, uint32(0), byte(0), uint16(100))
	f.Add([]byte{1, 1, 1, 1, 4, 25, 1, 1, 2}, uint32(100), byte(3), uint16(1))
	f.Add([]byte{1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 4, 3}, uint32(5000), byte(128), uint16(7))
	f.Fuzz(func(t *testing.T, arbitrary []byte, at uint32, change byte, size uint16) {
		mutated := bytes.Clone(raw)
		mutated[16+int(at)%(len(raw)-16)] ^= change
		if _, err := ours(mutated, int(size)+1); err == nil {
			if _, err := theirs(mutated); err == nil && change == 0 {
				compare(t, mutated)
			}
		}
		_, _ = ours(append([]byte(wire.Header), arbitrary...), int(size)+1)
		_, _ = ours(arbitrary, int(size)+1)
	})
}
