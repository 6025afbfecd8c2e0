package programs_test

import (
	"cmp"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

func parse(t *testing.T, file string) *profile.Profile {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err == nil {
		err = p.CheckValid()
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return p
}

// counts is CPU samples per function.
type counts struct {
	all       int64
	flat, cum map[string]int64
}

// count counts the samples with a function of the package on the stack: both
// profiles have those, and only runtime/pprof the collector's and ours.
func count(p *profile.Profile, pkg string) counts {
	c := counts{flat: make(map[string]int64), cum: make(map[string]int64)}
	i := slices.IndexFunc(p.SampleType, func(v *profile.ValueType) bool { return v.Type == "samples" })
	for _, s := range p.Sample {
		fns := functions(s)
		if s.Value[i] == 0 || !slices.ContainsFunc(fns, func(fn string) bool { return strings.HasPrefix(fn, pkg+".") }) {
			continue
		}
		c.all += s.Value[i]
		c.flat[fns[0]] += s.Value[i]
		slices.Sort(fns)
		for _, fn := range slices.Compact(fns) {
			c.cum[fn] += s.Value[i]
		}
	}
	return c
}

// functions returns a sample's, leaf first, but for the runtime's own way of
// interrupting a function, which is a frame of runtime/pprof's and none of ours.
func functions(s *profile.Sample) (fns []string) {
	for _, l := range s.Location {
		for _, ln := range l.Line {
			if !strings.HasPrefix(ln.Function.Name, "runtime.asyncPreempt") {
				fns = append(fns, ln.Function.Name)
			}
		}
	}
	return fns
}

// agree asserts that a profile of ours names the hot spots that runtime/pprof
// found in the same run, with shares inside the binomial interval: functions
// of the package with a tenth of the samples below them, and whatever else has
// a twentieth itself. Where the file says that the scope's own goroutine, which
// lives as long as the program, is unknown for some time, the recording was
// stepped down, and the samples of that time are runtime/pprof's alone: on a busy
// machine the runtime itself can flood a trace, spinning in its sweeper.
func agree(t *testing.T, ours, theirs *profile.Profile, pkg string) {
	t.Helper()
	a, b := count(ours, pkg), count(theirs, pkg)
	if b.all < 50 {
		t.Fatalf("%d samples of runtime/pprof in %s: too few to compare", b.all, pkg)
	}
	// Ours has a few more: a goroutine that the package started hangs under it,
	// net/http's background read of a connection for one.
	const perSecond = 2 * 100 // samples of two cores
	lost := int64(unknown(ours).Seconds() * perSecond)
	if a.all > b.all+b.all/20+1 || a.all < b.all*9/10-lost {
		t.Errorf("%d samples, runtime/pprof has %d: %q", a.all, b.all, ours.Comments)
	}
	t.Logf("%d samples, runtime/pprof has %d", a.all, b.all)
	hot := 0
	check := func(what, fn string, a1, b1 int64) {
		p, q := float64(a1)/float64(a.all), float64(b1)/float64(b.all)
		if most := 5 * math.Sqrt(q*(1-q)/float64(min(a.all, b.all))); math.Abs(p-q) > most {
			t.Errorf("%s %s: %.3f of the samples, runtime/pprof says %.3f (+- %.3f)", fn, what, p, q, most)
		}
		t.Logf("%.3f %.3f %s %s", p, q, what, fn)
		hot++
	}
	for _, fn := range sorted(b.cum) {
		if strings.HasPrefix(fn, pkg+".") && b.cum[fn] >= b.all/10 {
			check("in all", fn, a.cum[fn], b.cum[fn])
		}
	}
	for _, fn := range sorted(b.flat) {
		if b.flat[fn] >= b.all/20 {
			check("itself", fn, a.flat[fn], b.flat[fn])
		}
	}
	if hot < 3 {
		t.Errorf("only %d hot spots: the workload compares nothing", hot)
	}
}

func sorted(m map[string]int64) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.SortFunc(names, func(x, y string) int {
		if m[x] != m[y] {
			return cmp.Compare(m[y], m[x])
		}
		return strings.Compare(x, y)
	})
	return names
}

// unknown is how long it is not known what the scope's own goroutine did.
func unknown(p *profile.Profile) (d time.Duration) {
	i := slices.IndexFunc(p.SampleType, func(v *profile.ValueType) bool { return v.Type == "wall" })
	for _, s := range p.Sample {
		if slices.Contains(s.Label["state"], "unknown") && slices.Contains(s.Label["role"], "self") {
			d += time.Duration(s.Value[i])
		}
	}
	return d
}

// wallIn sums the wall time in a state with the function on the stack.
func wallIn(p *profile.Profile, fn, state string) (ns int64) {
	i := slices.IndexFunc(p.SampleType, func(v *profile.ValueType) bool { return v.Type == "wall" })
	for _, s := range p.Sample {
		if slices.Contains(s.Label["state"], state) && slices.Contains(functions(s), fn) {
			ns += s.Value[i]
		}
	}
	return ns
}

// named asserts that functions are in the profile: hot spots that are known
// from what the workload asks for.
func named(t *testing.T, p *profile.Profile, fns ...string) {
	t.Helper()
	for _, fn := range fns {
		if !slices.ContainsFunc(p.Function, func(f *profile.Function) bool { return f.Name == fn }) {
			t.Errorf("the profile lacks %s", fn)
		}
	}
}
