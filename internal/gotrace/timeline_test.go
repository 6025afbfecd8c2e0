package gotrace_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/gotrace"
	"github.com/profscope/profscope/internal/ledger"
	"golang.org/x/exp/trace"
)

// timeline plays a text notation of a trace into a fold. A line is
//
//	TIME gN VERB ARGUMENTS...
//
// where gN is the goroutine that the event happened on, or - for none. A stack
// is written root first, its functions joined by ";"; underscores in reasons
// stand for spaces. Lines without a time are
//
//	door TASK LEDGER [slower=NS] [unstitched] [name=NAME]
//
// A task without a door line is not ours. The verbs are in play.
type timeline struct {
	fold    *attrib.Fold
	events  *gotrace.Events
	stacks  *ledger.Stacks
	doors   map[uint64]*attrib.Door
	ledgers map[string]*ledger.Ledger
	ended   int
	done    []string // lengths and calls of the outermost calls, as Done saw them
}

func newTimeline() *timeline {
	tl := &timeline{
		stacks:  ledger.NewStacks(),
		doors:   make(map[uint64]*attrib.Door),
		ledgers: make(map[string]*ledger.Ledger),
	}
	tl.fold = attrib.NewFold(tl.stacks, func(task uint64) *attrib.Door { return tl.doors[task] }, nil)
	tl.events = gotrace.NewEvents(tl.fold)
	return tl
}

// collect keeps all spans that the fold gives out.
func (tl *timeline) collect(spans *[]ledger.Span) {
	tl.fold.Spans = func(_ *attrib.Call, s ledger.Span) { *spans = append(*spans, s) }
}

// door binds a task to the ledger of that name.
func (tl *timeline) door(task uint64, name string) *attrib.Door {
	l := tl.ledgers[name]
	if l == nil {
		l = &ledger.Ledger{Target: name, Stacks: tl.stacks}
		tl.ledgers[name] = l
	}
	d := &attrib.Door{
		Ledger: l,
		Done: func(c *attrib.Call) {
			tl.done = append(tl.done, fmt.Sprintf("call %d: %d ns, %d calls", c.Begin, c.Elapsed(), c.Calls))
		},
		Ended: func() { tl.ended++ },
	}
	tl.doors[task] = d
	return d
}

// snapshot returns the ledger of that name with its open calls, as a report
// takes it.
func (tl *timeline) snapshot(name string) *ledger.Ledger {
	src := tl.ledgers[name]
	l := *src
	l.Book = ledger.Book{}
	for _, e := range src.Book.Entries() {
		l.Book.Put(e)
	}
	l.Lengths = src.Lengths.Clone()
	tl.fold.AddOpen(&l, src)
	return &l
}

// check asserts conservation in every ledger.
func (tl *timeline) check(t *testing.T) {
	t.Helper()
	for name := range tl.ledgers {
		if err := tl.snapshot(name).Check(); err != nil {
			t.Error(err)
		}
	}
}

// play runs the lines of a timeline.
func (tl *timeline) play(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := tl.line(strings.Fields(line)); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
}

func (tl *timeline) line(w []string) error {
	if w[0] == "door" {
		d := tl.door(number(w[1]), w[2])
		for _, o := range w[3:] {
			switch k, v, _ := strings.Cut(o, "="); k {
			case "slower":
				d.SlowerThan = int64(number(v))
				d.Ledger.SlowerThan = 1
			case "unstitched":
				d.Unstitched = true
			case "name":
				d.Ledger.Name = v
			default:
				return fmt.Errorf("unknown option %q", o)
			}
		}
		return nil
	}
	e := builder{t: trace.Time(number(w[0])), g: trace.NoGoroutine}
	if w[1] != "-" {
		e.g = goid(w[1])
	}
	arg := func(i int) string {
		if i+3 < len(w) {
			return w[i+3]
		}
		return ""
	}
	switch verb := w[2]; verb {
	case "gap":
		tl.fold.Gap(int64(e.t))
		return nil
	case "begin-at":
		tl.fold.BeginAt(number(arg(0)), int64(e.g), int64(e.t))
		return nil
	case "end-at":
		tl.fold.EndAt(number(arg(0)), int64(e.t))
		return nil
	default:
		ev, err := e.make(verb, arg)
		if err == nil {
			tl.events.Event(&ev)
		}
		return err
	}
}

func number(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func goid(s string) trace.GoID { return trace.GoID(number(strings.TrimPrefix(s, "g"))) }

// dump renders what a ledger holds, sorted, one line per key.
func dump(l *ledger.Ledger) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %q calls %d/%d open %d kept %d/%d elapsed %d", l.Target, l.Name,
		l.Calls, l.Lengths.Count(), l.Open, l.KeptCalls, l.Kept, l.Elapsed)
	if l.OutsideWait > 0 {
		fmt.Fprintf(&b, " outside %d", l.OutsideWait)
	}
	b.WriteByte('\n')
	for r := ledger.Self; r <= ledger.Spawned; r++ {
		if l.Goroutines[r] > 0 || l.Inside[r] > 0 {
			fmt.Fprintf(&b, "  %s: %d goroutines, inside %d\n", r, l.Goroutines[r], l.Inside[r])
		}
	}
	var lines []string
	for _, e := range l.Book.Entries() {
		s := fmt.Sprintf("    %s %s", e.Role, e.State)
		if e.Reason != 0 {
			s += " " + strings.ReplaceAll(l.Stacks.ReasonOf(e.Reason), " ", "_")
		}
		s += fmt.Sprintf(" %d", e.Nanos)
		if e.Samples > 0 {
			s += fmt.Sprintf(" samples %d", e.Samples)
		}
		lines = append(lines, s+" "+stackText(l.Stacks, e.Stack)+"\n")
	}
	slices.Sort(lines)
	for _, s := range lines {
		b.WriteString(s)
	}
	return b.String()
}

func stackText(t *ledger.Stacks, id ledger.StackID) string {
	var fs []string
	for _, f := range t.Frames(id) {
		fs = append(fs, f.Func)
	}
	slices.Reverse(fs)
	return "[" + strings.Join(fs, ";") + "]"
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
