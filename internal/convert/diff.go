package convert

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/google/pprof/profile"
	"golang.org/x/perf/benchmath"

	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/importer"
	"github.com/profscope/profscope/internal/ledger"
)

// Difference compares two sides of one or more files each.
type Difference struct {
	Report *ledger.Report
	// Before and After are the totals of the sample type, the mean of a
	// side's files.
	Before, After float64
	// CallsBefore and CallsAfter are of how many calls these are the sums, the mean
	// of a side's files too; both 0 where a file does not tell.
	CallsBefore, CallsAfter float64
}

// PerCall reports whether both sides know their calls. Then what a call costs is
// compared: the sums grow with the load, and shrink with it too, which would hide
// that each call takes twice the time.
func (d *Difference) PerCall() bool { return d.CallsBefore > 0 && d.CallsAfter > 0 }

// Change returns the growth of the total, of 1, per call where PerCall says so; +Inf
// where there was nothing.
func (d *Difference) Change() float64 {
	before, after := d.Before, d.After
	if d.PerCall() {
		before, after = before*d.CallsAfter, after*d.CallsBefore // no quotients, so that equal ones are equal
	}
	if before == 0 {
		if after == 0 {
			return 0
		}
		return math.Inf(1)
	}
	return after/before - 1
}

// diffKey is what is compared: a function in one state, for one reason. The
// latter two are "" for profiles that have no such labels.
type diffKey struct{ function, state, reason string }

// side is one file's values per key, and the number of samples behind them.
type side struct {
	values  map[diffKey]float64
	samples map[diffKey]float64
	total   float64
	counted float64 // samples behind the total, 0 where that is exact
	calls   float64 // that the file is of, 0 where it does not tell
}

// figure is one row of one file: a value, and the samples behind it.
type figure struct{ value, samples float64 }

// total is the row of all.
func total(s side) figure { return figure{s.total, s.counted} }

// of is the row of a key.
func of(k diffKey) func(side) figure {
	return func(s side) figure { return figure{s.values[k], s.samples[k]} }
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
//   - else nobody knows: these are exact values of single runs, which may vary
//     in any way. Of a change of 0 it is known all the same: it is none.
//
// What is 0 in all files has no row, and a note tells of how many: a state of ours
// has nothing of most sample types.
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
	d.Before, d.After = mean(sides[0], total), mean(sides[1], total)
	type row struct {
		key           diffKey
		before, after float64
		noise         string
	}
	var rows []row
	nothing := 0
	for k := range maps.Keys(keys) {
		if isNothing(sides, k) {
			nothing++
			continue
		}
		r := row{key: k, before: mean(sides[0], of(k)), after: mean(sides[1], of(k)), noise: verdict(sides, of(k))}
		if r.noise == notKnown && k.state == "running" {
			r.noise = "no samples"
		}
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
	all := verdict(sides, total)
	line(d.Before, d.After, all, "", "", "[total]")
	unknown := all == notKnown
	for _, r := range rows {
		line(r.before, r.after, r.noise, r.key.state, r.key.reason, r.key.function)
		unknown = unknown || r.noise == notKnown
	}
	d.CallsBefore, d.CallsAfter = calls(sides)
	if note := d.ofCalls(); note != "" {
		d.Report.Notes = append(d.Report.Notes, note)
	}
	if sampleType == importer.FoldedValue && len(before)+len(after) < 2*enoughFiles {
		d.Report.Notes = append(d.Report.Notes, "Folded stacks have no unit: whether it is more than noise is true of numbers of samples alone.")
	}
	if nothing > 0 {
		d.Report.Notes = append(d.Report.Notes, fmt.Sprintf("Rows that have no %s on either side are left out (%d).", sampleType, nothing))
	}
	if unknown {
		d.Report.Notes = append(d.Report.Notes, fmt.Sprintf("What is not known is exact, and of single runs: how these vary, %d files of each side tell.", enoughFiles))
	}
	return d, nil
}

// isNothing reports whether the key's value is 0 in every file.
func isNothing(sides [2][]side, k diffKey) bool {
	for _, ss := range sides {
		for _, s := range ss {
			if s.values[k] != 0 {
				return false
			}
		}
	}
	return true
}

// calls returns of how many calls the sides are, 0 if a file does not tell.
func calls(sides [2][]side) (before, after float64) {
	var n [2]float64
	for i, ss := range sides {
		for _, s := range ss {
			if s.calls == 0 {
				return 0, 0
			}
			n[i] += s.calls / float64(len(ss))
		}
	}
	return n[0], n[1]
}

// ofCalls tells that the sides are sums over different numbers of calls, which
// alone makes them differ; "" if they are not, or the files do not tell.
func (d *Difference) ofCalls() string {
	if d.CallsBefore == d.CallsAfter {
		return ""
	}
	note := fmt.Sprintf("The sums are of %s before and of %s after", callsWord(d.CallsBefore), callsWord(d.CallsAfter))
	if d.Before > 0 {
		note += fmt.Sprintf(": per call the total changed by %+.1f %%", 100*d.Change())
	}
	return note + "."
}

func callsWord(n float64) string {
	if n == 1 {
		return "1 call"
	}
	return strconv.FormatFloat(math.Round(10*n)/10, 'f', -1, 64) + " calls"
}

// callsOf returns how many outermost calls a profile of a scope holds, by its
// comments; merged ones have those of each. 0 is not known.
func callsOf(p *profile.Profile) (calls float64) {
	var kept float64
	anyKept := false
	for _, c := range p.Comments {
		if s, ok := strings.CutPrefix(c, format.CommentCalls); ok {
			n, err := strconv.ParseFloat(s[strings.IndexByte(s, '/')+1:], 64)
			if err != nil {
				return 0
			}
			calls += n
		}
		if s, ok := strings.CutPrefix(c, format.CommentKept); ok { // of slow calls alone
			s, _, _ = strings.Cut(s, " ")
			n, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return 0
			}
			kept, anyKept = kept+n, true
		}
	}
	if anyKept {
		return kept
	}
	return calls
}

func sideOf(p *profile.Profile, at int) side {
	s := side{values: make(map[diffKey]float64), samples: make(map[diffKey]float64), calls: callsOf(p)}
	// Of ours, these alone are counted: all other types add up to exact sums.
	sampled := slices.Contains([]string{"samples", "cpu"}, p.SampleType[at].Type)
	count := -1
	for i, t := range p.SampleType {
		if t.Unit == "count" && (t.Type == "samples" || t.Type == importer.FoldedValue) {
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
		if count < 0 {
			continue
		}
		n := float64(x.Value[count])
		if k.state == "" || sampled {
			s.counted += n
		}
		// Samples stand behind what ran; other states of ours are exact.
		if k.state == "" || k.state == "running" {
			s.samples[k] += n
		}
	}
	return s
}

func mean(ss []side, row func(side) figure) float64 {
	var sum float64
	for _, s := range ss {
		sum += row(s).value
	}
	return sum / float64(len(ss))
}

const enoughFiles = 4 // below, the test can find nothing at its level

// The verdicts on exact values of single runs: notKnown, unless they are the same.
const (
	notKnown     = "not known"
	noDifference = "no difference"
)

func verdict(sides [2][]side, row func(side) figure) string {
	if len(sides[0]) >= enoughFiles && len(sides[1]) >= enoughFiles {
		var xs [2]*benchmath.Sample
		for i, ss := range sides {
			var vs []float64
			for _, s := range ss {
				vs = append(vs, row(s).value)
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
			f := row(s)
			samples += f.samples
			if f.samples > 0 {
				e := f.value / math.Sqrt(f.samples) / float64(len(ss))
				variance += e * e
			}
		}
	}
	switch {
	case samples == 0 && mean(sides[0], row) == mean(sides[1], row):
		return noDifference
	case samples == 0:
		return notKnown
	}
	if math.Abs(mean(sides[1], row)-mean(sides[0], row)) > 2*math.Sqrt(variance) {
		return "yes"
	}
	return "no"
}

// DiffProfile returns after minus before, for pprof. It tells no number of calls:
// that of neither side is one of the difference.
func DiffProfile(before, after *profile.Profile) (*profile.Profile, error) {
	b := before.Copy()
	b.Scale(-1)
	d, err := Sum([]*profile.Profile{after, b})
	if err != nil {
		return nil, err
	}
	dropCalls(d)
	return d, nil
}
