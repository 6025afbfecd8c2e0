package gotrace_test

import (
	"math/rand/v2"
	"testing"

	"golang.org/x/exp/trace"
)

// world makes a trace out of bytes: a scheduler of a few goroutines whose
// choices the bytes are. Events can be lost on the way to the fold, come in
// impossible orders, and the recording can end and go on.
type world struct {
	tl    *timeline
	in    []byte
	now   int64
	state map[trace.GoID]trace.GoState
	next  trace.GoID
	joins int
	lossy bool // some events do not arrive
	wild  bool // transitions need not fit the state
	late  bool // some events are older than those before them, as of another thread
}

func (w *world) byte() int {
	if len(w.in) == 0 {
		return 0
	}
	b := w.in[0]
	w.in = w.in[1:]
	return int(b)
}

var (
	fuzzStacks  = []string{"", "main.f", "main.f;main.g", "main.f;main.g;main.h", "main.f;main.i", "main.f;github.com/profscope/profscope/cprofile.x", "runtime.goexit"}
	fuzzStarts  = []string{"main.child", "main.f", "", "runtime.gcBgMarkWorker"}
	fuzzReasons = []string{"sleep", "sync", "chan_receive", "-"}
	fuzzTasks   = []string{"1", "2", "3", "4", "5", "9"} // 9 is not ours
)

func pick(list []string, b int) string { return list[b%len(list)] }

func newWorld(in []byte) *world {
	w := &world{tl: newTimeline(), in: in, now: 100, next: 7, state: make(map[trace.GoID]trace.GoState)}
	for g := trace.GoID(1); g < w.next; g++ {
		w.state[g] = trace.GoRunning
	}
	mode := w.byte()
	w.lossy, w.wild, w.late = mode&1 != 0, mode&2 != 0, mode&128 != 0
	w.tl.door(1, "a")
	w.tl.door(2, "a").SlowerThan = int64(mode >> 2)
	w.tl.door(3, "b").Unstitched = true
	w.tl.door(4, "b")
	w.tl.door(5, "c")
	return w
}

// step lets one thing happen.
func (w *world) step(t *testing.T) {
	op := w.byte()
	w.now += int64(w.byte() % 16)
	g := trace.GoID(1 + w.byte()%int(min(w.next-1, 12)))
	if w.next > 13 && g > 6 {
		g += w.next - 13 // the latest ones
	}
	x := w.byte()
	b := builder{trace.Time(w.now), g}
	if w.late && x%3 == 0 {
		b.t = trace.Time(max(w.now-int64(op), 1))
	}
	stack := pick(fuzzStacks, x)
	at := func(e trace.Event, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if w.lossy && x%5 == 4 {
			return
		}
		w.tl.events.Event(&e)
	}
	verb := func(name string, args ...string) {
		at(b.make(name, func(i int) string {
			if i < len(args) {
				return args[i]
			}
			return ""
		}))
	}
	id := func(g trace.GoID) string { return "g" + itoa(int64(g)) }
	running := w.wild || w.state[g] == trace.GoRunning
	switch op % 24 {
	case 0, 1:
		if running {
			verb("begin", pick(fuzzTasks, x), stack)
		}
	case 2, 3:
		if running {
			verb("end", pick(fuzzTasks, x), stack)
		}
	case 4, 5:
		if running {
			w.joins++
			verb("join", pick(fuzzTasks, x), itoa(int64(w.joins)), stack)
		}
	case 6:
		verb("leave", "1", itoa(int64(1+x%(w.joins+1))))
	case 7, 8, 9:
		if running {
			verb("block", pick(fuzzReasons, x), stack)
			w.state[g] = trace.GoWaiting
		}
	case 10, 11:
		other := trace.GoID(1 + x%6)
		if w.wild || w.state[other] == trace.GoWaiting {
			verb("wake", id(other), stack)
			w.state[other] = trace.GoRunnable
		}
	case 12, 13, 14:
		switch w.state[g] {
		case trace.GoRunnable:
			verb("run")
		case trace.GoSyscall:
			verb([]string{"sysret", "sysblock"}[x%2])
			if x%2 == 1 {
				w.state[g] = trace.GoRunnable
				return
			}
		case trace.GoWaiting:
			b.g = trace.NoGoroutine
			verb("wake", id(g))
			w.state[g] = trace.GoRunnable
			return
		}
		w.state[g] = trace.GoRunning
	case 15:
		if running {
			verb("preempt", "preempted", stack)
			w.state[g] = trace.GoRunnable
		}
	case 16:
		if running {
			verb("syscall", stack)
			w.state[g] = trace.GoSyscall
		}
	case 17, 18:
		if running {
			kind := []string{"go", "go", "coro"}[x%3]
			verb(kind, id(w.next), pick(fuzzStarts, x), stack)
			w.state[w.next] = []trace.GoState{trace.GoRunnable, trace.GoRunnable, trace.GoWaiting}[x%3]
			w.next++
		}
	case 19:
		if running && (w.wild || g > 6) {
			verb("exit")
			w.state[g] = trace.GoNotExist
		}
	case 20:
		verb("assist", []string{"begin", "active", "end"}[x%3], stack)
		verb("sample", pick(fuzzStacks[1:], x))
	case 21:
		verb("sync")
	case 22:
		w.tl.fold.Gap(w.now + int64(x%8)) // the door's clock may be ahead
		for g, s := range w.state {
			if s != trace.GoNotExist && x%3 > 0 {
				b := builder{trace.Time(w.now), g}
				if w.late && x%3 == 0 {
					b.t = trace.Time(max(w.now-int64(op), 1))
				}
				names := map[trace.GoState]string{trace.GoRunning: "running", trace.GoRunnable: "runnable", trace.GoWaiting: "waiting", trace.GoSyscall: "syscall"}
				at(b.make("status", func(i int) string { return []string{names[s], stack}[i] }))
			}
		}
	case 23:
		task := number(pick(fuzzTasks, x>>2))
		when := w.now + int64(x%8) - 4
		if x%2 == 0 {
			w.tl.fold.BeginAt(task, int64(g), when)
		} else {
			w.tl.fold.EndAt(task, when)
		}
	}
}

// run plays all of it, looking at the ledgers now and then and at the end.
func (w *world) run(t *testing.T) {
	for n := 1; len(w.in) > 0; n++ {
		w.step(t)
		if n%16 == 0 {
			w.tl.check(t)
		}
		if t.Failed() {
			return
		}
	}
	w.tl.check(t)
	for task := range w.tl.fold.OpenTasks() {
		w.tl.fold.EndAt(task, w.now+10)
	}
	w.tl.check(t)
	for name, l := range w.tl.ledgers {
		if err := l.Check(); err != nil {
			t.Errorf("%s, all ended: %v", name, err)
		}
		if l.Lengths.Min() < 0 {
			t.Errorf("%s: a call of %d ns", name, l.Lengths.Min())
		}
	}
}

// FuzzFold holds conservation: whatever comes, in whatever order, with events
// lost and recordings that end, each role's states add up to the time that its
// members were inside, to the nanosecond.
func FuzzFold(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, mode := range []byte{0, 1, 2, 3, 128, 129, 130, 131} { // 128 is late
		for range 20 {
			in := make([]byte, 600)
			for i := range in {
				in[i] = byte(r.Uint32())
			}
			in[0] = mode
			f.Add(in)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) { newWorld(in).run(t) })
}
