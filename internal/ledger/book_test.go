package ledger

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestClass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ns    int64
		class Class
		floor int64
	}{
		{-1, 0, 0}, {0, 0, 0}, {1, 1, 1}, {2, 2, 2}, {3, 2, 2}, {4, 3, 4},
		{int64(time.Second), 30, 1 << 29}, {1<<63 - 1, 63, 1 << 62},
	} {
		if got := ClassOf(c.ns); got != c.class || got.Floor() != c.floor {
			t.Errorf("class of %d is %d with floor %d, want %d and %d", c.ns, got, got.Floor(), c.class, c.floor)
		}
	}
}

// sums is a book without its tricks.
func sums(entries []Entry) map[Key]Entry {
	m := make(map[Key]Entry)
	for _, e := range entries {
		d := m[e.Key]
		d.Key = e.Key
		d.Nanos += e.Nanos
		d.Spans += e.Spans
		d.Samples += e.Samples
		m[e.Key] = d
	}
	return m
}

func sameSums(t *testing.T, got, want []Entry) {
	t.Helper()
	g, w := sums(got), sums(want)
	if len(got) != len(g) {
		t.Errorf("%d lines for %d keys", len(got), len(g))
	}
	if len(g) != len(w) {
		t.Errorf("%d keys, want %d", len(g), len(w))
	}
	for k, e := range w {
		if g[k] != e {
			t.Errorf("%+v, want %+v", g[k], e)
		}
	}
}

func randomEntries(rng *rand.Rand, n, stacks int) []Entry {
	es := make([]Entry, n)
	for i := range es {
		es[i] = Entry{
			Key: Key{
				Stack: StackID(rng.IntN(stacks)), State: State(rng.IntN(NumStates)), Role: Role(rng.IntN(NumRoles)),
				Reason: ReasonID(rng.IntN(3)), Class: Class(rng.IntN(3)),
			},
			Nanos: rng.Int64N(1 << uint(1+rng.IntN(45))), Spans: 1,
		}
		if rng.IntN(2) == 0 {
			es[i].Samples = rng.Int64N(1 << uint(1+rng.IntN(20)))
		}
	}
	return es
}

// A book is the sum of what was put into it, on both sides of the number of
// lines from which it has an index, as that grows, and again after Reset.
func TestBook(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	var b Book
	var sizes []int
	for n := range 4 * indexFrom {
		sizes = append(sizes, n)
	}
	sizes = append(sizes, maxKept/2, indexFrom+1, 8*maxKept, indexFrom+1)
	for _, n := range sizes {
		es := randomEntries(rng, n, 2+n/3)
		for _, e := range es {
			switch {
			case e.Samples == 0:
				b.Add(e.Key, e.Nanos)
			default:
				b.Put(e)
			}
		}
		sameSums(t, b.Entries(), es)
		b.Reset()
		if len(b.Entries()) != 0 {
			t.Fatal("a book that was reset has lines")
		}
	}
	b.Sample(Key{Stack: 9})
	b.Sample(Key{Stack: 9})
	if es := b.Entries(); len(es) != 1 || es[0].Samples != 2 || es[0].Nanos != 0 || es[0].Spans != 0 {
		t.Errorf("two samples made %+v", es)
	}
}

func TestBookMerge(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	for n := range 3 * indexFrom {
		var into, from Book
		var want []Entry
		for _, e := range randomEntries(rng, n, 4) {
			into.Put(e)
			want = append(want, e)
		}
		for _, e := range randomEntries(rng, 2*n, 4) {
			from.Put(e)
			e.Class = 40
			want = append(want, e)
		}
		into.Merge(&from, 40)
		sameSums(t, into.Entries(), want)
	}
}

// Sharing out moves running time between stacks of one pool and nothing else.
func checkShareOut(t *testing.T, es []Entry) {
	t.Helper()
	var b, after Book
	for _, e := range es {
		b.Put(e)
	}
	out, guessed := b.ShareOut()
	type part struct {
		role   Role
		reason ReasonID
		class  Class
		state  State
	}
	poolSum := func(es []Entry) (nanos, samples map[part]int64) {
		nanos, samples = make(map[part]int64), make(map[part]int64)
		for _, e := range es {
			p := part{e.Role, e.Reason, e.Class, e.State}
			if e.Nanos != 0 {
				nanos[p] += e.Nanos
			}
			if e.Samples != 0 {
				samples[p] += e.Samples
			}
		}
		return
	}
	wantNanos, wantSamples := poolSum(b.Entries())
	nanos, samples := poolSum(out)
	for p, ns := range wantNanos {
		if nanos[p] != ns {
			t.Errorf("%v: %d ns, want %d", p, nanos[p], ns)
		}
	}
	for p, n := range wantSamples {
		if samples[p] != n {
			t.Errorf("%v: %d samples, want %d", p, samples[p], n)
		}
	}
	var wantGuessed int64
	type kind struct {
		role   Role
		reason ReasonID
	}
	ofKind := make(map[kind]map[StackID]int64) // running samples
	all := make(map[kind]int64)
	for _, e := range b.Entries() {
		if e.State == Running && e.Samples > 0 {
			k := kind{e.Role, e.Reason}
			if ofKind[k] == nil {
				ofKind[k] = make(map[StackID]int64)
			}
			ofKind[k][e.Stack] += e.Samples
			all[k] += e.Samples
		}
	}
	for i, e := range out {
		after.Put(e)
		p := part{e.Role, e.Reason, e.Class, e.State}
		if e.State == Running {
			have, of := e.Samples, wantSamples[p]
			if of == 0 { // a pool without samples borrows its kind's
				k := kind{e.Role, e.Reason}
				have, of = ofKind[k][e.Stack], all[k]
			}
			switch {
			case of == 0:
				wantGuessed += e.Nanos
			case have == 0:
				t.Errorf("%v: %d ns at a stack without a sample, in a pool that has some", p, e.Nanos)
			default:
				// Each part is rounded by less than a nanosecond, and a stack
				// has one part per sampled key that it borrows from.
				exact := float64(wantNanos[p]) * float64(have) / float64(of)
				slack := float64(len(es)) + exact*1e-12
				if d := float64(e.Nanos) - exact; d < -slack || d > slack {
					t.Errorf("%v: %d ns for %d of %d samples of %d ns", p, e.Nanos, have, of, wantNanos[p])
				}
			}
		}
		if e.Nanos < 0 {
			t.Errorf("negative time: %+v", e)
		}
		if i > 0 && compareKey(out[i-1].Key, e.Key) >= 0 {
			t.Errorf("not in order: %+v before %+v", out[i-1].Key, e.Key)
		}
	}
	if guessed != wantGuessed {
		t.Errorf("guessed %d ns, want %d", guessed, wantGuessed)
	}
	if b.Totals() != after.Totals() {
		t.Errorf("totals %v, want %v", after.Totals(), b.Totals())
	}
}

func TestShareOut(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	for n := range 300 {
		checkShareOut(t, randomEntries(rng, n, 2+n))
	}
	// A month of 64 goroutines and as many samples: no overflow on the way.
	const month = 64 * 30 * 24 * int64(time.Hour)
	checkShareOut(t, []Entry{
		{Key: Key{Stack: 1}, Nanos: month},
		{Key: Key{Stack: 2}, Samples: month / int64(SamplePeriod)},
		{Key: Key{Stack: 3}, Samples: month/int64(SamplePeriod) - 1},
	})
}

func FuzzShareOut(f *testing.F) {
	f.Add(uint64(1), uint8(5), uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, n, stacks uint8) {
		checkShareOut(t, randomEntries(rand.New(rand.NewPCG(seed, 0)), int(n), int(stacks)+1))
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	var l Ledger
	l.Book.Add(Key{State: Blocked}, 5)
	l.Inside[Self], l.Elapsed = 5, 5
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	l.Elapsed = 6
	if l.Check() == nil {
		t.Error("elapsed time that nobody was inside for passes")
	}
	l.Book.Add(Key{State: Running, Role: Spawned}, 1)
	l.Elapsed = 5
	if l.Check() == nil {
		t.Error("time booked outside passes")
	}
}
