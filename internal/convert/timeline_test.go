package convert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/profscope/profscope/internal/ledger"
)

const corpus = "../gotrace/testdata/versions/*.trace.gz"

func traces(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob(corpus)
	if err != nil || len(names) < 6 {
		t.Fatal(names, err)
	}
	return names
}

func draw(t testing.TB, name, ending string) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := DrawTimeline(&b, []string{name}, ending, Options{}); err != nil {
		t.Fatal(name, err)
	}
	return b.Bytes()
}

// states returns what the ledger of the whole has, in nanoseconds per state.
func states(t testing.TB, name string) map[string]int64 {
	t.Helper()
	in, err := Open(name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{}
	for st, ns := range in.Trace.Whole.Book.Totals()[ledger.Process] {
		if ns != 0 {
			want[ledger.State(st).String()] = ns
		}
	}
	return want
}

// isState tells slices of states from those of tasks, scopes and the like.
func isState(category string) bool {
	return slices.ContainsFunc(allStates, func(s ledger.State) bool { return s.String() == category })
}

var allStates = func() (all []ledger.State) {
	for s := range ledger.State(ledger.NumStates) {
		all = append(all, s)
	}
	return all
}()

// chromeEvent is one event of a Chrome trace.
type chromeEvent struct {
	Ph, Name, Cat string
	Pid, Tid, ID  int64
	Ts            json.Number
	SF            int64
	Args          map[string]any
}

func chromeEvents(t testing.TB, b []byte) (events []chromeEvent, frames map[string]struct{ Name, Parent string }) {
	t.Helper()
	var in struct {
		TraceEvents []chromeEvent
		StackFrames map[string]struct{ Name, Parent string }
	}
	if err := json.Unmarshal(b, &in); err != nil {
		t.Fatal(err)
	}
	return in.TraceEvents, in.StackFrames
}

// TestChromeAddsUp: the slices of each state are as long as the ledger's time,
// what is nested is nested, and arrows and stacks have their ends. Readers want
// more than the format does: an end is named like its begin, and neither has
// arguments.
func TestChromeAddsUp(t *testing.T) {
	t.Parallel()
	for _, name := range traces(t) {
		events, frames := chromeEvents(t, draw(t, name, ".json"))
		for id, f := range frames {
			if _, ok := frames[f.Parent]; f.Name == "" || f.Parent != "" && !ok {
				t.Errorf("%s: frame %s is %+v", name, id, f)
			}
		}
		got := map[string]int64{}
		open := map[int64][]chromeEvent{}
		flows := map[int64]string{}
		stacks := 0
		for _, e := range events {
			ns := int64(0)
			if e.Ph != "M" {
				if ns = nanosOf(t, e.Ts); ns < 0 {
					t.Errorf("%s: an event before the trace's begin: %+v", name, e)
				}
			}
			if e.SF != 0 {
				stacks++
				if _, ok := frames[strconv.FormatInt(e.SF, 10)]; !ok {
					t.Errorf("%s: there is no frame %d", name, e.SF)
				}
			}
			on := open[e.Tid]
			switch e.Ph {
			case "B":
				if open[e.Tid] = append(on, e); len(on) > 0 {
					t.Errorf("%s: two slices are open on track %d", name, e.Tid)
				}
			case "E":
				if len(on) == 0 {
					t.Fatalf("%s: an end without a begin on track %d", name, e.Tid)
				}
				b := on[len(on)-1]
				open[e.Tid] = on[:len(on)-1]
				if b.Name != e.Name || b.Cat != e.Cat || b.Args != nil || e.Args != nil {
					t.Errorf("%s: %+v ends as %+v", name, b, e)
				}
				switch d := ns - nanosOf(t, b.Ts); {
				case d < 0:
					t.Errorf("%s: %+v ends before it begins", name, b)
				case isState(e.Cat) && d > 0:
					got[e.Cat] += d
				}
			case "s", "f":
				if flows[e.ID] += e.Ph; e.Ph == "f" && len(on) == 0 {
					t.Errorf("%s: arrow %d arrives where no slice is", name, e.ID)
				}
			}
		}
		if want := states(t, name); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, the ledger has %v", name, got, want)
		}
		for id, ends := range flows {
			if ends != "sf" {
				t.Errorf("%s: arrow %d has the ends %q", name, id, ends)
			}
		}
		for track, on := range open {
			if len(on) != 0 {
				t.Errorf("%s: %d slices left open on track %d", name, len(on), track)
			}
		}
		if stacks == 0 {
			t.Errorf("%s: no event has a stack", name)
		}
	}
}

// nanosOf reads microseconds with three decimals, without floating point.
func nanosOf(t testing.TB, n json.Number) int64 {
	t.Helper()
	whole, frac, ok := strings.Cut(n.String(), ".")
	if !ok || len(frac) != 3 {
		t.Fatalf("%s has no three decimals", n)
	}
	v, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// failing fails at byte n.
type failing struct{ left int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.left {
		return f.left, errFull
	}
	f.left -= len(p)
	return len(p), nil
}

// TestWriterFails: wherever the writer fails, its error comes back.
func TestWriterFails(t *testing.T) {
	t.Parallel()
	name := traces(t)[0]
	for _, ending := range []string{".pftrace", ".json", ".json.gz"} {
		whole := len(draw(t, name, ending))
		for _, n := range []int{0, 1, whole / 2, whole - 1} {
			if _, err := DrawTimeline(&failing{n}, []string{name}, ending, Options{}); !errors.Is(err, errFull) {
				t.Errorf("%s, at byte %d of %d: %v", ending, n, whole, err)
			}
		}
	}
	in, err := Open(name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, ending := range []string{".prof", ".folded", ".txt"} {
		var b bytes.Buffer
		if err := Write(&b, []*Input{in}, ending, OutputOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 1, b.Len() / 2, b.Len() - 1} {
			if err := Write(&failing{n}, []*Input{in}, ending, OutputOptions{}); !errors.Is(err, errFull) {
				t.Errorf("%s, at byte %d of %d: %v", ending, n, b.Len(), err)
			}
		}
	}
}
