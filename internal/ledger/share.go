package ledger

import (
	"cmp"
	"math/bits"
	"slices"
	"sort"
)

// pool is the set of calls over which running time is shared out: running
// time and samples of one role, reason and latency class. Not call by call: of
// calls of 14 microseconds only one in a hundred holds a sample.
type pool struct {
	role   Role
	reason ReasonID
	class  Class
}

// kind is the pool without its latency class.
func (p pool) kind() pool { return pool{role: p.role, reason: p.reason} }

type poolSum struct {
	nanos, samples int64
	stacks         []Entry // with samples
}

// deal shares ns out over the sampled stacks, cumulatively rounded, so that
// the parts add up to ns to the nanosecond.
func (p *poolSum) deal(ns int64, yield func(i int, part int64)) {
	var dealt, seen int64
	for i := range p.stacks {
		seen += p.stacks[i].Samples
		upTo := mulDiv(ns, seen, p.samples)
		yield(i, upTo-dealt)
		dealt = upTo
	}
}

// ShareOut returns the book's entries with the running time of each pool
// shared out over CPU samples, sorted by key. guessed is the running time for
// which there are none; it stays at the stacks that the spans were booked with.
//
//  1. Per pool (role, reason, latency class), sum running time and samples.
//  2. A pool with samples is shared out over them.
//  3. A pool without is shared out as the samples of its role and reason fell,
//     all latency classes together. It must not be guessed: taking a sample makes a short
//     call longer, by the microseconds of a signal, so that sampled calls of
//     600 ns lie in the class of 4 us and theirs has none.
//  4. Everything else is copied.
func (b *Book) ShareOut() (entries []Entry, guessed int64) {
	pools := make(map[pool]*poolSum)
	kinds := make(map[pool]*poolSum) // all latency classes together
	sorted := slices.Clone(b.entries)
	sort.Sort(byKey(sorted))
	var order []pool
	for i := range sorted {
		e := &sorted[i]
		if e.State != Running {
			continue
		}
		p := pool{e.Role, e.Reason, e.Class}
		s := pools[p]
		if s == nil {
			s = new(poolSum)
			pools[p] = s
			order = append(order, p)
		}
		s.nanos += e.Nanos
		if e.Samples > 0 {
			s.samples += e.Samples
			s.stacks = append(s.stacks, *e)
			k := kinds[p.kind()]
			if k == nil {
				k = new(poolSum)
				kinds[p.kind()] = k
			}
			k.samples += e.Samples
			k.stacks = append(k.stacks, *e)
		}
	}
	var out Book
	for _, p := range order {
		s := pools[p]
		from, own := s, true
		if s.samples == 0 {
			from, own = kinds[p.kind()], false
		}
		if from == nil {
			continue // guessed, below
		}
		from.deal(s.nanos, func(i int, part int64) {
			e := Entry{Key: from.stacks[i].Key, Nanos: part}
			e.Reason, e.Class = p.reason, p.class
			if own {
				e.Samples, e.Spans = from.stacks[i].Samples, from.stacks[i].Spans
			}
			out.Put(e)
		})
	}
	for _, e := range sorted {
		if e.State == Running {
			if kinds[pool{role: e.Role, reason: e.Reason}] != nil {
				continue
			}
			guessed += e.Nanos
		}
		out.Put(e)
	}
	entries = slices.DeleteFunc(out.entries, func(e Entry) bool { return e.Nanos == 0 && e.Samples == 0 })
	sort.Sort(byKey(entries))
	return entries, guessed
}

// mulDiv returns a*b/c without overflow in between, for 0 <= b <= c.
func mulDiv(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	q, _ := bits.Div64(hi, lo, uint64(c))
	return int64(q)
}

// byKey sorts entries. A generic sort of a type of its own would add 10 KB to
// every program that links this.
type byKey []Entry

func (b byKey) Len() int           { return len(b) }
func (b byKey) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b byKey) Less(i, j int) bool { return compareKey(b[i].Key, b[j].Key) < 0 }

func compareKey(x, y Key) int {
	return cmp.Or(
		cmp.Compare(x.Role, y.Role), cmp.Compare(x.State, y.State),
		cmp.Compare(x.Reason, y.Reason), cmp.Compare(x.Class, y.Class),
		cmp.Compare(x.Stack, y.Stack))
}
