package convert

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/google/pprof/profile"
	"golang.org/x/perf/benchmath"

	"github.com/profscope/profscope/internal/ledger"
)

// Difference compares two sides of one or more files each.
type Difference struct {
	Report *ledger.Report
	// Before and After are the totals of the sample type, the mean of a
	// side's files.
	Before, After float64
}

// Change returns the total's growth, of 1; +Inf where there was nothing.
func (d *Difference) Change() float64 {
	if d.Before == 0 {
		if d.After == 0 {
			return 0
		}
		return math.Inf(1)
	}
	return d.After/d.Before - 1
}

// diffKey is what is compared: a function in one state, for one reason. The
// latter two are "" for profiles that have no such labels.
type diffKey struct{ function, state, reason string }

// side is one file's values per key, and the number of samples behind them.
type side struct {
	values  map[diffKey]float64
	samples map[diffKey]float64
	total   float64
}

// alpha is the level of significance, benchstat's.
const alpha = 0.05

// Diff compares the flat values of one sample type; "" is the default one. A
// row says "more than noise" where
//
//   - each side has at least four files: benchstat's test (Mann-Whitney) says
//     so at a level of 0.05,
//   - else, where the values were sampled: the change is more than twice its
//     standard error, a count of n samples having one of sqrt(n),
//   - else it says what it is: exact values of single runs, of which nobody
//     knows how they vary.
func Diff(before, after []*profile.Profile, sampleType string) (*Difference, error) {
	var sides [2][]side
	var unit string
	for i, ps := range [][]*profile.Profile{before, after} {
		for _, p := range ps {
			at, err := sampleIndex(p, sampleType)
			if err != nil {
				return nil, err
			}
			if sampleType == "" {
				sampleType = p.SampleType[at].Type
			}
			if unit == "" {
				unit = p.SampleType[at].Unit
			}
			if p.SampleType[at].Unit != unit {
				return nil, fmt.Errorf("%s is in %s here and in %s there", sampleType, unit, p.SampleType[at].Unit)
			}
			sides[i] = append(sides[i], sideOf(p, at))
		}
	}
	kind, scale, suffix := kindOfUnit(unit)
	keys := make(map[diffKey]bool)
	for _, ss := range sides {
		for _, s := range ss {
			for k := range s.values {
				keys[k] = true
			}
		}
	}
	d := &Difference{Report: &ledger.Report{Name: "diff", Title: "What changed, by " + sampleType,
		Columns: []ledger.Column{{Name: "Before" + suffix, Kind: kind}, {Name: "After" + suffix, Kind: kind},
			{Name: "Change" + suffix, Kind: kind}, {Name: "Change (%)", Kind: ledger.Percent}, {Name: "More than noise", Kind: ledger.Text},
			{Name: "State", Kind: ledger.Text}, {Name: "Reason", Kind: ledger.Text}, {Name: "Name", Kind: ledger.Text}}}}
	d.Before, d.After = meanTotal(sides[0]), meanTotal(sides[1])
	type row struct {
		key           diffKey
		before, after float64
		noise         string
	}
	var rows []row
	for k := range maps.Keys(keys) {
		r := row{key: k, before: mean(sides[0], k), after: mean(sides[1], k)}
		r.noise = verdict(sides, k)
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(math.Abs(b.after-b.before), math.Abs(a.after-a.before)),
			cmp.Compare(a.key.function, b.key.function), cmp.Compare(a.key.state+a.key.reason, b.key.state+b.key.reason))
	})
	line := func(before, after float64, noise, state, reason, name string) {
		change := ledger.Value{None: before == 0}
		if before != 0 {
			change.Float = 100 * (after - before) / before
		}
		d.Report.Rows = append(d.Report.Rows, []ledger.Value{{Float: scale * before}, {Float: scale * after}, {Float: scale * (after - before)},
			change, {Text: noise}, {Text: state}, {Text: reason}, {Text: name}})
	}
	line(d.Before, d.After, "", "", "", "[total]")
	for _, r := range rows {
		line(r.before, r.after, r.noise, r.key.state, r.key.reason, r.key.function)
	}
	return d, nil
}

func sideOf(p *profile.Profile, at int) side {
	s := side{values: make(map[diffKey]float64), samples: make(map[diffKey]float64)}
	count := -1
	for i, t := range p.SampleType {
		if t.Type == "samples" && t.Unit == "count" {
			count = i
		}
	}
	for _, x := range p.Sample {
		k := diffKey{function: "[no stack]"}
		if len(x.Location) > 0 && len(x.Location[0].Line) > 0 && x.Location[0].Line[0].Function != nil {
			k.function = x.Location[0].Line[0].Function.Name
		}
		if v := x.Label["state"]; len(v) > 0 {
			k.state = v[0]
		}
		if v := x.Label["reason"]; len(v) > 0 {
			k.reason = v[0]
		}
		s.values[k] += float64(x.Value[at])
		s.total += float64(x.Value[at])
		// Samples stand behind what ran; other states of ours are exact.
		if count >= 0 && (k.state == "" || k.state == "running") {
			s.samples[k] += float64(x.Value[count])
		}
	}
	return s
}

func mean(ss []side, k diffKey) float64 {
	var sum float64
	for _, s := range ss {
		sum += s.values[k]
	}
	return sum / float64(len(ss))
}

func meanTotal(ss []side) float64 {
	var sum float64
	for _, s := range ss {
		sum += s.total
	}
	return sum / float64(len(ss))
}

const enoughFiles = 4 // below, the test can find nothing at its level

func verdict(sides [2][]side, k diffKey) string {
	if len(sides[0]) >= enoughFiles && len(sides[1]) >= enoughFiles {
		var xs [2]*benchmath.Sample
		for i, ss := range sides {
			var vs []float64
			for _, s := range ss {
				vs = append(vs, s.values[k])
			}
			xs[i] = benchmath.NewSample(vs, &benchmath.DefaultThresholds)
		}
		c := benchmath.AssumeNothing.Compare(xs[0], xs[1])
		if c.P < alpha {
			return fmt.Sprintf("yes (p=%.3f)", c.P)
		}
		return fmt.Sprintf("no (p=%.3f)", c.P)
	}
	var variance, samples float64
	for _, ss := range sides {
		for _, s := range ss {
			n, v := s.samples[k], s.values[k]
			samples += n
			if n > 0 {
				e := v / math.Sqrt(n) / float64(len(ss))
				variance += e * e
			}
		}
	}
	switch {
	case samples == 0 && k.state == "running":
		return "no samples"
	case samples == 0:
		return "exact, single runs"
	}
	if math.Abs(mean(sides[1], k)-mean(sides[0], k)) > 2*math.Sqrt(variance) {
		return "yes"
	}
	return "no"
}

// DiffProfile returns after minus before, for pprof.
func DiffProfile(before, after *profile.Profile) (*profile.Profile, error) {
	b := before.Copy()
	b.Scale(-1)
	return Sum([]*profile.Profile{after, b})
}
