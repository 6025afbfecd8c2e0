package importer

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/profscope/profscope/internal/ledger"
)

// Ranks compares the ranks of one distributed run, by the wall clock: the n-th
// call of a collective's name in one rank is that in the others. A rank that
// arrives before the last one waits for it. It returns nil without two
// different ranks.
//
// Ranks of different machines are as comparable as these machines' clocks.
func Ranks(ts []*ChromeTrace) *ledger.Report {
	ts = slices.DeleteFunc(slices.Clone(ts), func(t *ChromeTrace) bool { return t == nil || t.Rank == "" })
	slices.SortStableFunc(ts, func(a, b *ChromeTrace) int {
		return cmp.Or(cmp.Compare(len(a.Rank), len(b.Rank)), cmp.Compare(a.Rank, b.Rank))
	})
	for i := 1; i < len(ts); i++ {
		if ts[i].Rank == ts[i-1].Rank {
			return nil
		}
	}
	if len(ts) < 2 {
		return nil
	}
	calls, kernels := make([]map[string][]int64, len(ts)), make([]int64, len(ts))
	for i, t := range ts {
		calls[i], kernels[i] = t.collectives()
	}
	type sums struct{ n, waited, last, late int64 }
	all := make([]sums, len(ts))
	unpaired := false
	for _, name := range slices.Sorted(maps.Keys(calls[0])) {
		n := len(calls[0][name])
		for _, c := range calls {
			unpaired = unpaired || len(c[name]) != n
			n = min(n, len(c[name]))
		}
		for k := range n {
			last, at := calls[0][name][k], 0
			for i, c := range calls[1:] {
				if v := c[name][k]; v > last {
					last, at = v, i+1
				}
			}
			before := calls[0][name][k]
			for i, c := range calls {
				v := c[name][k]
				all[i].n++
				all[i].waited += last - v
				before = min(before, v)
			}
			all[at].last++
			all[at].late += last - before
		}
	}
	if all[0].n == 0 {
		return nil
	}
	r := &ledger.Report{Name: "ranks", Title: "Ranks of a distributed run, in their collectives", Columns: []ledger.Column{
		{Name: "Rank"}, {Name: "Collectives", Kind: ledger.Count}, {Name: "Waited (ns)", Kind: ledger.Nanos},
		{Name: "Came Last", Kind: ledger.Count}, {Name: "Last By (ns)", Kind: ledger.Nanos}, {Name: "Kernels (ns)", Kind: ledger.Nanos}}}
	slowest := 0
	for i, s := range all {
		if s.late > all[slowest].late {
			slowest = i
		}
		r.Rows = append(r.Rows, []ledger.Value{{Text: ts[i].Rank}, {Int: s.n}, {Float: float64(s.waited)},
			{Int: s.last}, {Float: float64(s.late)}, {Float: float64(kernels[i])}})
	}
	r.Notes = append(r.Notes, "The others waited longest for rank "+ts[slowest].Rank+". Waited is from a rank's own call to that of the last rank.")
	if unpaired {
		r.Notes = append(r.Notes, "The ranks have not equally many calls of each collective: the first ones are compared.")
	}
	return r
}

// collectives returns when the calls of each collective began, by the wall
// clock, the earliest first: operators of c10d, and those of NCCL's own or
// Gloo's where there are none. It sums up the time of kernels on the way.
func (t *ChromeTrace) collectives() (calls map[string][]int64, kernels int64) {
	prefixes := []string{"c10d::", "nccl:", "gloo:"}
	by := make([]map[string][]int64, len(prefixes))
	t.slices.all(func(e *slice) bool {
		if e.cat == catKernel {
			kernels += e.dur
		}
		if e.cat != catOp && e.cat != catAnnotation {
			return true
		}
		name := t.names[e.name]
		for i, p := range prefixes {
			if strings.HasPrefix(name, p) {
				if by[i] == nil {
					by[i] = make(map[string][]int64)
				}
				by[i][name] = append(by[i][name], t.BaseNano+e.ts)
			}
		}
		return true
	})
	for _, m := range by {
		if m != nil {
			for _, v := range m {
				slices.Sort(v)
			}
			return m, kernels
		}
	}
	return nil, kernels
}
