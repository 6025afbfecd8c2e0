package gotrace

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/ledger"
)

// tally is what one goroutine did.
type tally struct {
	start  string // the function that it began with, as far as any stack shows
	states [ledger.NumStates]int64
	spans  map[stateReason]*ledger.Summary

	// The stretch at hand: what begins and ends at edges of scopes cuts a
	// span in two, and is one stay in a state all the same.
	at         stateReason
	begin, end int64

	serves   bool // it was seen in one of FileOptions.Serving
	unplaced ledger.Book
}

type stateReason struct {
	state  ledger.State
	reason ledger.ReasonID
}

// span counts a span of the whole process.
func (p *fileReader) span(c *attrib.Call, s ledger.Span) {
	switch {
	case !p.inside:
		return
	case c != p.whole:
		if p.line != nil && p.ours[c.Door.Ledger] {
			p.line.Member(c, s)
		}
		return
	case p.line != nil: // tables are for those who ask for no drawing
		p.line.Span(s)
		return
	}
	t := p.f.tallies[s.Goroutine]
	if t == nil {
		t = &tally{spans: make(map[stateReason]*ledger.Summary), begin: s.Begin, end: s.Begin, at: stateReason{s.State, s.Reason}}
		p.f.tallies[s.Goroutine] = t
	}
	if t.start == "" && s.Stack != 0 {
		t.start = p.fold.Root(s.Stack)
	}
	if len(p.o.Serving) > 0 {
		p.serve(t, s)
	}
	t.states[s.State] += s.Nanos()
	if at := (stateReason{s.State, s.Reason}); at != t.at || s.Begin != t.end {
		t.flush()
		t.at, t.begin = at, s.Begin
	}
	t.end = s.End
}

func (t *tally) flush() {
	if t.end == t.begin {
		return
	}
	s := t.spans[t.at]
	if s == nil {
		s = new(ledger.Summary)
		t.spans[t.at] = s
	}
	s.Add(t.end - t.begin)
	t.begin = t.end
}

// Reports returns the tables about the file that have a row: scopes, regions,
// states, goroutines and functions.
func (f *File) Reports() []*ledger.Report {
	var rs []*ledger.Report
	for _, r := range []*ledger.Report{
		f.scopeReport("scopes", "Scopes of profscope, and user tasks", ScopeOurs, ScopeTask),
		f.scopeReport("regions", "User regions", ScopeRegion),
		f.stateReport(), f.goroutineReport(), f.functionReport(),
	} {
		if len(r.Rows) > 0 {
			rs = append(rs, r)
		}
	}
	return rs
}

var stateColumns = []ledger.Column{
	{Name: "Running (ns)", Kind: ledger.Nanos}, {Name: "Runnable (ns)", Kind: ledger.Nanos},
	{Name: "Blocked (ns)", Kind: ledger.Nanos}, {Name: "Syscall (ns)", Kind: ledger.Nanos}, {Name: "Unknown (ns)", Kind: ledger.Nanos},
}

func stateValues(ns [ledger.NumStates]int64) []ledger.Value {
	var vs []ledger.Value
	for _, n := range ns {
		vs = append(vs, ledger.Value{Float: float64(n)})
	}
	return vs
}

// scopeReport has a row for each name; states are those of all members.
func (f *File) scopeReport(name, title string, kinds ...ScopeKind) *ledger.Report {
	var rows []ledger.Named
	open, cut := int64(0), int64(0)
	for _, s := range f.Scopes {
		if !slices.Contains(kinds, s.Kind) {
			continue
		}
		open += s.Ledger.Open
		cut += s.Cut
		if s.Lengths.Count() == 0 {
			continue
		}
		var states [ledger.NumStates]int64
		for _, role := range s.Ledger.Book.Totals() {
			for st, ns := range role {
				states[st] += ns
			}
		}
		rows = append(rows, ledger.Named{Name: s.Ledger.Name, Sum: &s.Lengths,
			Extra: append(stateValues(states), ledger.Value{Text: string(s.Kind)})})
	}
	r := ledger.SummaryReport(name, title, rows, append(slices.Clone(stateColumns), ledger.Column{Name: "Kind", Kind: ledger.Text})...)
	if open > 0 {
		r.Notes = append(r.Notes, "What had not ended when the trace did is left out of the counts.")
	}
	if cut > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("Of those that the window cuts, the part inside counts: %d.", cut))
	}
	return r
}

func (f *File) stateReport() *ledger.Report {
	sums := make(map[stateReason]*ledger.Summary)
	for _, id := range slices.Sorted(maps.Keys(f.tallies)) {
		t := f.tallies[id]
		t.flush()
		for k, s := range t.spans {
			if sums[k] == nil {
				sums[k] = new(ledger.Summary)
			}
			sums[k].Merge(s)
		}
	}
	var rows []ledger.Named
	for k, s := range sums {
		rows = append(rows, ledger.Named{Name: k.state.String(), Sum: s, Extra: []ledger.Value{{Text: f.Whole.Stacks.ReasonOf(k.reason)}}})
	}
	slices.SortFunc(rows, func(a, b ledger.Named) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Extra[0].Text, b.Extra[0].Text))
	})
	return ledger.SummaryReport("states", "What goroutines did", rows, ledger.Column{Name: "Reason", Kind: ledger.Text})
}

// goroutineReport has a row for each function that goroutines began with; an
// instance is a goroutine, and its length the time that it was there.
func (f *File) goroutineReport() *ledger.Report {
	type group struct {
		sum    ledger.Summary
		states [ledger.NumStates]int64
	}
	groups := make(map[string]*group)
	for _, t := range f.tallies {
		name := cmp.Or(t.start, "[not known]")
		g := groups[name]
		if g == nil {
			g = new(group)
			groups[name] = g
		}
		var all int64
		for st, ns := range t.states {
			g.states[st] += ns
			all += ns
		}
		g.sum.Add(all)
	}
	var rows []ledger.Named
	for name, g := range groups {
		rows = append(rows, ledger.Named{Name: name, Sum: &g.sum, Extra: stateValues(g.states)})
	}
	return ledger.SummaryReport("goroutines", "Goroutines by the function that they began with", rows, stateColumns...)
}

// functionReport has a row for each function: the time in which it was on the
// stack, per state, and the time in which it was the innermost.
func (f *File) functionReport() *ledger.Report {
	type times struct {
		flat, cum int64
		states    [ledger.NumStates]int64
	}
	stacks := f.Whole.Stacks
	all := make(map[string]*times)
	var total int64
	entries, _ := f.Whole.Book.ShareOut()
	for _, e := range entries {
		total += e.Nanos
		seen := make(map[string]bool)
		for at := e.Stack; at != 0; at = stacks.Parent(at) {
			fn := stacks.FrameOf(stacks.Leaf(at)).Func
			if seen[fn] {
				continue
			}
			seen[fn] = true
			t := all[fn]
			if t == nil {
				t = new(times)
				all[fn] = t
			}
			if at == e.Stack {
				t.flat += e.Nanos
			}
			t.cum += e.Nanos
			t.states[e.State] += e.Nanos
		}
	}
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(cmp.Compare(all[b].cum, all[a].cum), cmp.Compare(a, b))
	})
	r := &ledger.Report{Name: "functions", Title: "Functions, by the time in which they were on a stack",
		Columns: slices.Concat([]ledger.Column{{Name: "Time (%)", Kind: ledger.Percent}, {Name: "Total Time (ns)", Kind: ledger.Nanos}, {Name: "Self Time (ns)", Kind: ledger.Nanos}},
			stateColumns, []ledger.Column{{Name: "Name", Kind: ledger.Text}}),
		Notes: []string{"States are exact. Which function ran is estimated from CPU samples, 100 a second for each busy core."}}
	for _, n := range names {
		t := all[n]
		row := []ledger.Value{{Float: 100 * float64(t.cum) / float64(max(total, 1))}, {Float: float64(t.cum)}, {Float: float64(t.flat)}}
		r.Rows = append(r.Rows, append(append(row, stateValues(t.states)...), ledger.Value{Text: n}))
	}
	return r
}
