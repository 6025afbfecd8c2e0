package convert

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
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

// field is one field of a protobuf message, read without our encoder.
type field struct {
	number int
	value  uint64
	bytes  []byte
}

func fields(t testing.TB, b []byte) (fs []field) {
	t.Helper()
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			t.Fatal("a tag is cut")
		}
		b = b[n:]
		f := field{number: int(tag >> 3)}
		switch tag & 7 {
		case 0:
			f.value, n = binary.Uvarint(b)
			b = b[n:]
		case 1:
			f.value = binary.LittleEndian.Uint64(b)
			b = b[8:]
		case 2:
			size, n := binary.Uvarint(b)
			f.bytes = b[n : n+int(size)]
			b = b[n+int(size):]
		default:
			t.Fatalf("wire type %d", tag&7)
		}
		fs = append(fs, f)
	}
	return fs
}

// TestPerfettoAddsUp is the same for Perfetto, and that every name and stack
// is there before it is used.
func TestPerfettoAddsUp(t *testing.T) {
	t.Parallel()
	for _, name := range traces(t) {
		got := map[string]int64{}
		known := map[int]map[uint64]string{}
		tracks := map[uint64]bool{}
		type begun struct {
			at       uint64
			category string
		}
		open := map[uint64][]begun{}
		clocks := 0
		for i, packet := range fields(t, draw(t, name, ".pftrace")) {
			if packet.number != 1 {
				t.Fatalf("field %d at the top", packet.number)
			}
			var at, kind, track, category, nameID, stack uint64
			var flags, sequence uint64
			for _, f := range fields(t, packet.bytes) {
				switch f.number {
				case 6:
					clocks++
				case 8:
					at = f.value
				case 10:
					sequence = f.value
				case 13:
					flags = f.value
				case 60:
					for _, d := range fields(t, f.bytes) {
						if d.number == 1 {
							if tracks[d.value] || d.value == 0 {
								t.Errorf("track %d twice", d.value)
							}
							tracks[d.value] = true
						}
						if d.number == 5 && !tracks[d.value] {
							t.Errorf("parent %d comes after its child", d.value)
						}
					}
				case 12:
					for _, entry := range fields(t, f.bytes) {
						if known[entry.number] == nil {
							known[entry.number] = map[uint64]string{}
						}
						var id uint64
						var text string
						for _, x := range fields(t, entry.bytes) {
							switch x.number {
							case 1:
								id = x.value
							case 2:
								text = string(x.bytes)
							}
						}
						if _, twice := known[entry.number][id]; twice || id == 0 {
							t.Errorf("kind %d: id %d twice", entry.number, id)
						}
						known[entry.number][id] = text
					}
				case 11:
					for _, x := range fields(t, f.bytes) {
						switch x.number {
						case 9:
							kind = x.value
						case 11:
							track = x.value
						case 3:
							category = x.value
						case 10:
							nameID = x.value
						case 56:
							stack = x.value
						}
					}
				}
			}
			if sequence == 0 || (i == 0) != (flags == 1) {
				t.Fatalf("packet %d: sequence %d, flags %d", i, sequence, flags)
			}
			if kind == 0 {
				continue
			}
			if clocks != 1 {
				t.Fatalf("%s: an event after %d snapshots of the clock: the viewer needs one", name, clocks)
			}
			if !tracks[track] {
				t.Errorf("an event on track %d, which is not declared", track)
			}
			check := func(table int, id uint64) {
				if id != 0 {
					if _, ok := known[table][id]; !ok {
						t.Errorf("kind %d: id %d is used before it is there", table, id)
					}
				}
			}
			check(1, category)
			check(2, nameID)
			check(7, stack)
			switch kind {
			case 1:
				open[track] = append(open[track], begun{at, known[1][category]})
				if len(open[track]) > 1 {
					t.Errorf("two slices are open on track %d", track)
				}
			case 2:
				last := len(open[track]) - 1
				if last < 0 {
					t.Fatalf("an end without a begin on track %d", track)
				}
				b := open[track][last]
				open[track] = open[track][:last]
				if b.at > at {
					t.Errorf("a slice ends at %d, before its begin at %d", at, b.at)
				}
				if isState(b.category) && at > b.at {
					got[b.category] += int64(at - b.at)
				}
			}
		}
		if want := states(t, name); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, the ledger has %v", name, got, want)
		}
	}
}

// TestPerfettoSize: names and stacks are written once.
func TestPerfettoSize(t *testing.T) {
	t.Parallel()
	for _, name := range traces(t) {
		pf, js := len(draw(t, name, ".pftrace")), len(draw(t, name, ".json"))
		if pf > js/2 {
			t.Errorf("%s: %d bytes for Perfetto, %d as JSON", name, pf, js)
		}
	}
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

// TestProtoc decodes with a schema written from Perfetto's own numbers, by
// a decoder that is not ours.
func TestProtoc(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("protoc"); err != nil {
		t.Skip("protoc is not installed (Debian: protobuf-compiler)")
	}
	cmd := exec.Command("protoc", "--decode=Trace", "-Itestdata", "testdata/perfetto.proto")
	cmd.Stdin = bytes.NewReader(draw(t, traces(t)[4], ".pftrace"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`name: "main.worker"`, `blocked: sleep`, `function_name_id:`, "perf_sample {", "clock_snapshot {"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("protoc shows no %q", want)
		}
	}
	for line := range bytes.Lines(out) {
		if f := strings.TrimSpace(string(line)); f != "" && f[0] >= '0' && f[0] <= '9' {
			t.Errorf("a field that the schema has not: %s", f)
		}
	}
}
