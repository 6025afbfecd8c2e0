package format

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/profscope/profscope/internal/ledger"
)

const ms = int64(time.Millisecond)

// builder makes ledgers by hand that keep conservation.
type builder struct{ l *ledger.Ledger }

func newBuilder(name string) builder {
	return builder{&ledger.Ledger{
		Name: name, Target: "test.prof", Program: "shop",
		Stacks:     ledger.NewStacks(),
		Start:      time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC),
		GoVersion:  "go1.26.8",
		GOMAXPROCS: 2,
	}}
}

// stack takes frames root first, as "function file:line" with the start line
// always ten above.
func (b builder) stack(frames ...string) ledger.StackID {
	var fs []ledger.Frame
	for _, f := range frames {
		name, file, _ := strings.Cut(f, " ")
		fr := ledger.Frame{Func: name, File: "/src/" + file, Line: 41, StartLine: 31}
		for _, c := range file {
			fr.Line += int64(c) % 7
			fr.StartLine = fr.Line - 10
		}
		fs = append(fs, fr)
	}
	return b.l.Stacks.Intern(fs...)
}

func (b builder) call(ns int64) {
	b.l.Calls++
	b.l.Kept++
	b.l.KeptCalls++
	b.l.Lengths.Record(ns)
	b.l.Goroutines[ledger.Self]++
}

func (b builder) book(r ledger.Role, s ledger.State, reason string, stack ledger.StackID, ns, samples int64, class ledger.Class) {
	b.l.Book.Put(ledger.Entry{
		Key:   ledger.Key{Stack: stack, Reason: b.l.Stacks.Reason(reason), State: s, Role: r, Class: class},
		Nanos: ns, Spans: 1, Samples: samples,
	})
	b.l.Inside[r] += ns
	if r == ledger.Self {
		b.l.Elapsed += ns
	}
}

// typical is the example of the design: three calls that compute, sleep and
// wait for the network, and three goroutines that they spawned.
func typical() *ledger.Ledger {
	b := newBuilder("main.anotherFunction")
	for _, d := range []int64{188, 193, 231} {
		b.call(d * ms)
	}
	b.l.Goroutines[ledger.Spawned] = 3
	c := ledger.ClassOf(188 * ms)
	fn := "main.anotherFunction work.go"
	handle := "github.com/acme/shop/internal/checkout.(*Service).PlaceOrder order.go"
	b.book(ledger.Self, ledger.Running, "", b.stack(fn), 96_213_441, 0, c)
	b.book(ledger.Self, ledger.Running, "", b.stack(fn, handle, "encoding/json.Marshal encode.go", "encoding/json.(*encodeState).reflectValue encode.go"), 0, 6, c)
	b.book(ledger.Self, ledger.Running, "", b.stack(fn, handle, "main.fib work.go", "main.fib work.go", "main.fib work.go"), 0, 3, c)
	b.book(ledger.Self, ledger.Runnable, "", b.stack(fn, handle), 12_400_112, 0, c)
	b.book(ledger.Self, ledger.Runnable, "preempted", b.stack(fn, handle, "main.fib work.go"), 1_400_112, 0, c)
	b.book(ledger.Self, ledger.Blocked, "sleep", b.stack(fn, "time.Sleep sleep.go"), 302_100_001, 0, c)
	b.book(ledger.Self, ledger.Blocked, "network", b.stack(fn, handle, "net/http.(*Client).Do client.go", "net.(*netFD).Read fd_posix.go"), 190_012_345, 0, c)
	b.book(ledger.Self, ledger.Blocked, "sync", b.stack(fn, handle, "sync.(*Mutex).Lock mutex.go"), 9_001_001, 0, c)
	b.book(ledger.Self, ledger.Blocked, "GC mark assist wait for work", b.stack(fn, handle, "encoding/json.Marshal encode.go"), 120_000, 0, c)
	b.book(ledger.Self, ledger.Syscall, "", b.stack(fn, "os.(*File).Sync file_posix.go"), 752_988, 2, c)
	w := []string{fn, handle, "github.com/acme/shop/internal/checkout.(*Service).PlaceOrder.func1 order.go"}
	b.book(ledger.Spawned, ledger.Running, "", b.stack(w...), 401_123_456, 0, c)
	b.book(ledger.Spawned, ledger.Running, "", b.stack(append(w, "github.com/acme/shop/internal/pricing.Table[github.com/acme/shop/internal/money.Amount].Lookup price.go", "runtime.mapaccess2_faststr map.go")...), 0, 30, c)
	b.book(ledger.Spawned, ledger.Running, "", b.stack(append(w, "crypto/sha256.block block.go")...), 0, 11, c)
	b.book(ledger.Spawned, ledger.Blocked, "sync", b.stack(append(w, "sync.(*Mutex).Lock mutex.go")...), 28_000_444, 0, c)
	b.book(ledger.Spawned, ledger.Runnable, "", b.stack(w...), 11_200_000, 0, c)
	b.l.OutsideWait = 140 * ms
	return b.l
}

func empty() *ledger.Ledger { return newBuilder("main.neverCalled").l }

func oneSample() *ledger.Ledger {
	b := newBuilder("main.once")
	b.call(13_512)
	b.book(ledger.Self, ledger.Running, "", b.stack("main.once main.go"), 13_512, 1, ledger.ClassOf(13_512))
	return b.l
}

// guessedOnly has running time, no sample, and a stack that is empty.
func guessedOnly() *ledger.Ledger {
	b := newBuilder("main.quick")
	b.call(999)
	b.book(ledger.Self, ledger.Running, "", 0, 777, 0, ledger.ClassOf(999))
	b.book(ledger.Self, ledger.Blocked, "chan receive", b.stack("main.quick main.go"), 222, 0, ledger.ClassOf(999))
	b.l.Notes = append(b.l.Notes, "CPU profile was taken by the program itself: no samples.")
	return b.l
}

// everything has all roles and states, recursion, open and dropped calls, and
// names that are hard to lay out.
func everything() *ledger.Ledger {
	b := newBuilder("github.com/acme/" + strings.Repeat("very/deep/", 18) + "pkg.Größe計算関数")
	for i := range int64(20) {
		b.call((1 + i*i) * 100 * ms)
	}
	b.l.Calls = 700
	b.l.SlowerThan = 500 * time.Millisecond
	b.l.Kept = 17
	b.l.Open = 2
	b.l.Unfinished = true
	b.l.Goroutines = [ledger.NumRoles]int64{20, 4, 1, 250}
	b.l.OutsideWait = 3 * ms
	b.l.Notes = append(b.l.Notes, "The recording stepped down to slices of time for 1.2 s: that time is unknown.")
	b.l.Notes = append(b.l.Notes, "bad\x1b[31mcolour\nand a line")
	root := "main.計算 größe.go"
	long := "github.com/acme/" + strings.Repeat("x", 150) + ".(*Ωmega[go.shape.int]).Method.func1.2 long.go"
	for r := ledger.Self; r <= ledger.Process; r++ {
		c := ledger.Class(30 + r)
		for s := range ledger.State(ledger.NumStates) {
			ns := 4_812_345_678 / (int64(r)*3 + int64(s) + 1)
			b.book(r, s, "", b.stack(root, long), ns, 0, c)
			b.book(r, s, "", b.stack(root, "main.計算 größe.go", "main.leaf"+s.String()+" leaf.go"), ns/3, 7*int64(s+1), c)
		}
		for i := range int64(15) {
			b.book(r, ledger.Blocked, "reason number "+strings.Repeat("i", int(i)), b.stack(root, "main.wait wait.go"), ms*i*i, 0, c)
		}
	}
	return b.l
}

// random is a ledger of n entries with stacks up to the given depth, the same
// for the same seed.
func random(seed uint64, n, depth int) *ledger.Ledger {
	rng := rand.New(rand.NewPCG(seed, 1))
	b := newBuilder("main.random")
	st := b.l.Stacks
	frames := make([]ledger.FrameID, 2+n/16)
	for i := range frames {
		name := "example.com/p" + strings.Repeat("q", i%7) + ".F" + string(rune('a'+i%26))
		frames[i] = st.Frame(ledger.Frame{Func: name, File: "/p/f.go", Line: int64(i), StartLine: int64(i / 26)})
	}
	reasons := []ledger.ReasonID{0, st.Reason("select"), st.Reason("sync"), st.Reason("network")}
	for range n {
		var s ledger.StackID
		for range rng.IntN(depth + 1) {
			s = st.Push(s, frames[rng.IntN(len(frames))])
		}
		k := ledger.Key{
			Stack: s, State: ledger.State(rng.IntN(ledger.NumStates)), Role: ledger.Role(rng.IntN(ledger.NumRoles)),
			Class: ledger.Class(rng.IntN(40)),
		}
		if k.State == ledger.Blocked {
			k.Reason = reasons[rng.IntN(len(reasons))]
		}
		e := ledger.Entry{Key: k, Nanos: rng.Int64N(1 << uint(1+rng.IntN(34))), Spans: 1}
		if rng.IntN(3) == 0 && (k.State == ledger.Running || k.State == ledger.Syscall) {
			e.Samples = rng.Int64N(9)
		}
		b.l.Book.Put(e)
		b.l.Inside[k.Role] += e.Nanos
	}
	b.l.Elapsed = b.l.Inside[ledger.Self]
	b.call(b.l.Elapsed)
	return b.l
}

func samplesOf() map[string]*ledger.Ledger {
	return map[string]*ledger.Ledger{
		"typical": typical(), "empty": empty(), "one_sample": oneSample(),
		"guessed": guessedOnly(), "everything": everything(),
	}
}
