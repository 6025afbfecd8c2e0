package importer

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// PyFunc names a function in a profile of cProfile.
type PyFunc struct {
	File string // "~" for built-in functions
	Line int64
	Name string
}

// String returns the function as pstats prints it.
func (f PyFunc) String() string {
	if f.File == "~" && f.Line == 0 {
		if strings.HasPrefix(f.Name, "<") && strings.HasSuffix(f.Name, ">") {
			return "{" + f.Name[1:len(f.Name)-1] + "}"
		}
		return f.Name
	}
	return fmt.Sprintf("%s:%d(%s)", f.File, f.Line, f.Name)
}

// PyTimes are the figures of a function, or of a function as called by one
// other. Times are in seconds, as the file has them.
type PyTimes struct {
	Calls     int64 // all
	Primitive int64 // without those of a function already being called
	Self      float64
	Cum       float64
}

func (t *PyTimes) add(o PyTimes) {
	t.Calls += o.Calls
	t.Primitive += o.Primitive
	t.Self += o.Self
	t.Cum += o.Cum
}

func (t *PyTimes) figures() []int64 {
	return []int64{t.Calls, t.Primitive, nanos(t.Self), nanos(t.Cum)}
}

// PyRow is one function.
type PyRow struct {
	Func PyFunc
	PyTimes
	Callers []PyCaller // in the order of the file
}

// PyCaller is what a function did when called by Func.
type PyCaller struct {
	Func PyFunc
	PyTimes
}

// PyStats is what a file of Python's cProfile says.
type PyStats struct {
	Rows []PyRow // in the order of the file
}

// CProfile reads a file of Python's cProfile or profile module, as dump_stats
// writes it: {(file, line, name): (primitive calls, calls, self, cumulative,
// {caller: (calls, primitive calls, self, cumulative)})}.
func CProfile(r io.Reader) (*PyStats, error) {
	b, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("read cProfile: %w", err)
	}
	m := &marshal{b: b}
	v, err := m.object()
	if err != nil {
		return nil, fmt.Errorf("read cProfile: %w", err)
	}
	d, ok := v.(dict)
	if !ok {
		return nil, fmt.Errorf("read cProfile: it begins with no dictionary")
	}
	s := &PyStats{}
	var all, called sums
	for _, p := range d {
		row, err := pyRow(p)
		if err == nil {
			err = all.add(row.figures()...)
		}
		for i := 0; err == nil && i < len(row.Callers); i++ {
			err = called.add(row.Callers[i].figures()...)
		}
		if err != nil {
			return nil, fmt.Errorf("read cProfile: %w", err)
		}
		s.Rows = append(s.Rows, row)
	}
	return s, nil
}

func pyRow(p pair) (row PyRow, err error) {
	if row.Func, err = pyFunc(p.key); err != nil {
		return row, err
	}
	t, ok := p.value.(tuple)
	if !ok || len(t) != 5 {
		return row, fmt.Errorf("%s has no five figures", row.Func)
	}
	if row.PyTimes, err = pyTimes(t[1], t[0], t[2], t[3]); err != nil {
		return row, fmt.Errorf("%s: %w", row.Func, err)
	}
	callers, ok := t[4].(dict)
	if !ok {
		return row, fmt.Errorf("%s has no dictionary of callers", row.Func)
	}
	for _, c := range callers {
		var pc PyCaller
		if pc.Func, err = pyFunc(c.key); err != nil {
			return row, err
		}
		switch v := c.value.(type) {
		case tuple:
			if len(v) != 4 {
				return row, fmt.Errorf("%s has no four figures for its caller %s", row.Func, pc.Func)
			}
			if pc.PyTimes, err = pyTimes(v[0], v[1], v[2], v[3]); err != nil {
				return row, fmt.Errorf("%s, called by %s: %w", row.Func, pc.Func, err)
			}
		case int64: // the module profile counts the calls only
			pc.Calls, pc.Primitive = v, v
		default:
			return row, fmt.Errorf("%s has no figures for its caller %s", row.Func, pc.Func)
		}
		row.Callers = append(row.Callers, pc)
	}
	return row, nil
}

func pyFunc(v any) (f PyFunc, err error) {
	t, ok := v.(tuple)
	if ok && len(t) == 3 {
		var okFile, okLine, okName bool
		f.File, okFile = t[0].(string)
		f.Line, okLine = t[1].(int64)
		f.Name, okName = t[2].(string)
		if okFile && okLine && okName {
			return f, nil
		}
	}
	return f, fmt.Errorf("a %T is no function (file, line, name)", v)
}

func pyTimes(calls, primitive, self, cum any) (t PyTimes, err error) {
	var ok [4]bool
	t.Calls, ok[0] = calls.(int64)
	t.Primitive, ok[1] = primitive.(int64)
	t.Self, ok[2] = seconds(self)
	t.Cum, ok[3] = seconds(cum)
	if ok != [4]bool{true, true, true, true} || t.Calls < 0 || t.Primitive < 0 || t.Primitive > t.Calls {
		// What was read may hold itself many times over: it is not printed.
		return t, fmt.Errorf("its figures make no sense: calls %s, primitive %s, own time %s, cumulative %s",
			figure(calls), figure(primitive), figure(self), figure(cum))
	}
	return t, nil
}

func figure(v any) string {
	switch v := v.(type) {
	case int64, float64, bool, nil:
		return fmt.Sprint(v)
	case string:
		return fmt.Sprintf("%.20q", v)
	}
	return fmt.Sprintf("a %T", v)
}

// seconds takes what a profile's timer may have counted: floats, or integers.
func seconds(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, v > -1e9 && v < 1e9 // and no NaN; clocks may step back a little
	case int64:
		return float64(v), v > -1e9 && v < 1e9
	}
	return 0, false
}

// Merge adds all of o, as pstats' add does.
func (s *PyStats) Merge(o *PyStats) {
	index := make(map[PyFunc]int, len(s.Rows))
	for i := range s.Rows {
		index[s.Rows[i].Func] = i
	}
	for _, r := range o.Rows {
		i, ok := index[r.Func]
		if !ok {
			index[r.Func] = len(s.Rows)
			r.Callers = slices.Clone(r.Callers)
			s.Rows = append(s.Rows, r)
			continue
		}
		to := &s.Rows[i]
		to.add(r.PyTimes)
		known := make(map[PyFunc]int, len(to.Callers))
		for j, c := range to.Callers {
			known[c.Func] = j
		}
		for _, c := range r.Callers {
			if j, ok := known[c.Func]; ok {
				to.Callers[j].add(c.PyTimes)
			} else {
				known[c.Func] = len(to.Callers)
				to.Callers = append(to.Callers, c)
			}
		}
	}
}

// Totals returns all calls, those without recursive ones, and the sum of the
// functions' own times, in seconds.
func (s *PyStats) Totals() (calls, primitive int64, self float64) {
	for _, r := range s.Rows {
		calls += r.Calls
		primitive += r.Primitive
		self += r.Self
	}
	return calls, primitive, self
}

// PySorts are the orders that Sorted knows, by pstats' names.
var PySorts = []string{"cumtime", "tottime", "ncalls", "pcalls", "name", "filename", "line"}

// Sorted returns the rows in pstats' order of that name; equal ones keep the
// order of the file, as there.
func (s *PyStats) Sorted(by string) ([]PyRow, error) {
	less := map[string]func(a, b *PyRow) int{
		"cumtime":  func(a, b *PyRow) int { return cmp.Compare(b.Cum, a.Cum) },
		"tottime":  func(a, b *PyRow) int { return cmp.Compare(b.Self, a.Self) },
		"ncalls":   func(a, b *PyRow) int { return cmp.Compare(b.Calls, a.Calls) },
		"pcalls":   func(a, b *PyRow) int { return cmp.Compare(b.Primitive, a.Primitive) },
		"name":     func(a, b *PyRow) int { return cmp.Compare(a.Func.Name, b.Func.Name) },
		"filename": func(a, b *PyRow) int { return cmp.Compare(a.Func.File, b.Func.File) },
		"line":     func(a, b *PyRow) int { return cmp.Compare(a.Func.Line, b.Func.Line) },
	}[by]
	if less == nil {
		return nil, fmt.Errorf("no order %q: %s work", by, strings.Join(PySorts, ", "))
	}
	rows := slices.Clone(s.Rows)
	slices.SortStableFunc(rows, func(a, b PyRow) int { return less(&a, &b) })
	return rows, nil
}
