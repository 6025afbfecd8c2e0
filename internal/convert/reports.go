package convert

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/importer"
	"github.com/profscope/profscope/internal/ledger"
)

// kindOfUnit says how values of a unit are shown, and by what they are
// multiplied.
func kindOfUnit(unit string) (ledger.ValueKind, float64, string) {
	switch strings.TrimSuffix(unit, "s") {
	case "nanosecond":
		return ledger.Nanos, 1, " (ns)"
	case "microsecond":
		return ledger.Nanos, 1e3, " (ns)"
	case "millisecond":
		return ledger.Nanos, 1e6, " (ns)"
	case "second":
		return ledger.Nanos, 1e9, " (ns)"
	case "byte":
		return ledger.Number, 1, " (bytes)"
	}
	return ledger.Number, 1, ""
}

// profileReports returns the functions of a profile by its default sample
// type, and its states where the samples have the labels of ours.
func profileReports(p *profile.Profile) []*ledger.Report {
	at, err := sampleIndex(p, "")
	if err != nil {
		return nil
	}
	rs := []*ledger.Report{functionReport(p, at)}
	if r := labelReport(p, at); len(r.Rows) > 0 {
		rs = append([]*ledger.Report{r}, rs...)
	}
	return rs
}

type flatCum struct{ flat, cum int64 }

// functions sums the values of one sample type per function.
func functions(p *profile.Profile, at int) (map[string]flatCum, int64) {
	all := make(map[string]flatCum)
	var total int64
	for _, s := range p.Sample {
		v := s.Value[at]
		total += v
		seen := make(map[string]bool)
		for i, l := range s.Location {
			for j, line := range l.Line {
				if line.Function == nil {
					continue
				}
				name := line.Function.Name
				f := all[name]
				if i == 0 && j == 0 {
					f.flat += v
				}
				if !seen[name] {
					seen[name] = true
					f.cum += v
				}
				all[name] = f
			}
		}
	}
	return all, total
}

func functionReport(p *profile.Profile, at int) *ledger.Report {
	kind, scale, unit := kindOfUnit(p.SampleType[at].Unit)
	all, total := functions(p, at)
	r := &ledger.Report{Name: "functions", Title: "Functions, by " + p.SampleType[at].Type,
		Columns: []ledger.Column{{Name: "Flat (%)", Kind: ledger.Percent}, {Name: "Flat" + unit, Kind: kind},
			{Name: "Cum (%)", Kind: ledger.Percent}, {Name: "Cum" + unit, Kind: kind}, {Name: "Name", Kind: ledger.Text}}}
	type row struct {
		name string
		flatCum
	}
	rows := make([]row, 0, len(all))
	for name, f := range all {
		rows = append(rows, row{name, f})
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.cum, a.cum), cmp.Compare(b.flat, a.flat), cmp.Compare(a.name, b.name))
	})
	for _, f := range rows {
		r.Rows = append(r.Rows, []ledger.Value{share(f.flat, total), {Float: scale * float64(f.flat)},
			share(f.cum, total), {Float: scale * float64(f.cum)}, {Text: f.name}})
	}
	return r
}

// share is v in percent of total, which is 0 where a difference cancels out.
func share(v, total int64) ledger.Value {
	if total == 0 {
		return ledger.Value{None: true}
	}
	return ledger.Value{Float: 100 * float64(v) / float64(total)}
}

// labelReport sums per state, reason and role.
func labelReport(p *profile.Profile, at int) *ledger.Report {
	kind, scale, unit := kindOfUnit(p.SampleType[at].Unit)
	type key struct{ state, reason, role string }
	sums := make(map[key]int64)
	var total int64
	for _, s := range p.Sample {
		if len(s.Label["state"]) == 0 {
			continue
		}
		k := key{state: s.Label["state"][0]}
		if v := s.Label["reason"]; len(v) > 0 {
			k.reason = v[0]
		}
		if v := s.Label["role"]; len(v) > 0 {
			k.role = v[0]
		}
		sums[k] += s.Value[at]
		total += s.Value[at]
	}
	r := &ledger.Report{Name: "states", Title: "States of goroutines, by " + p.SampleType[at].Type,
		Columns: []ledger.Column{{Name: "Time (%)", Kind: ledger.Percent}, {Name: "Total Time" + unit, Kind: kind},
			{Name: "Role", Kind: ledger.Text}, {Name: "Reason", Kind: ledger.Text}, {Name: "Name", Kind: ledger.Text}}}
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b key) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a.state+a.reason+a.role, b.state+b.reason+b.role))
	})
	for _, k := range keys {
		v := sums[k]
		if v == 0 {
			continue
		}
		r.Rows = append(r.Rows, []ledger.Value{share(v, total), {Float: scale * float64(v)},
			{Text: k.role}, {Text: k.reason}, {Text: k.state}})
	}
	return r
}

// pyReport has what pstats has, in nanoseconds.
func pyReport(s *importer.PyStats) *ledger.Report {
	rows, err := s.Sorted("cumtime")
	if err != nil {
		panic(err) // it is one of PySorts
	}
	_, _, all := s.Totals()
	r := &ledger.Report{Name: "functions", Title: "Functions, by cumulative time",
		Columns: []ledger.Column{{Name: "Self (%)", Kind: ledger.Percent}, {Name: "Self (ns)", Kind: ledger.Nanos}, {Name: "Cum (ns)", Kind: ledger.Nanos},
			{Name: "Calls", Kind: ledger.Count}, {Name: "Primitive Calls", Kind: ledger.Count}, {Name: "Name", Kind: ledger.Text}}}
	for _, row := range rows {
		r.Rows = append(r.Rows, []ledger.Value{{Float: 100 * row.Self / max(all, 1e-12)}, {Float: row.Self * 1e9}, {Float: row.Cum * 1e9},
			{Int: row.Calls}, {Int: row.Primitive}, {Text: row.Func.String()}})
	}
	return r
}
