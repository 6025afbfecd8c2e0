package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/dest"
	"github.com/profscope/profscope/internal/gotrace"
	"github.com/profscope/profscope/internal/ledger"
)

// Written is a file that is durable.
type Written struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	PID   int    `json:"pid"`
	Mode  string `json:"mode,omitempty"` // of a profile of the runtime's own
	// inputs are what the file was made from, for its tables.
	inputs []*convert.Input
}

// write brings a recording to its files: the profile first, then one for each
// mode. Now writes what there is so far, as a snapshot.
func (o *Options) write(r *recording, name string, now bool) ([]Written, error) {
	r.reading.RLock()
	defer r.reading.RUnlock()
	ending := o.ending()
	if e := convert.Ending(name); e != "" && o.Output != "" {
		ending = (&Options{Output: name}).ending()
	}
	var files []Written
	put := func(name string, ins []*convert.Input, encode func(io.Writer) error) error {
		if err := dest.Put(name, encode); err != nil {
			return err
		}
		f := Written{Path: name, inputs: ins, PID: r.pid}
		if info, err := os.Stat(name); err == nil {
			f.Bytes = info.Size()
		}
		files = append(files, f)
		return nil
	}
	var ins []*convert.Input
	var err error
	if ending == ".trace" || convert.IsTimeline(ending) {
		err = o.writePieces(r, name, ending, now, put)
	} else {
		ins, err = r.inputs(now)
		if err == nil {
			err = o.narrow(ins)
		}
		if err == nil {
			err = put(name, ins, func(w io.Writer) error {
				return convert.Write(w, ins, ending, convert.OutputOptions{})
			})
		}
	}
	errs := []error{err}
	r.mu.Lock()
	profiles, failed := r.profiles, r.failed
	r.mu.Unlock()
	if failed != nil && !errors.Is(err, failed) {
		errs = append(errs, failed)
	}
	for _, m := range profiles {
		at := beside(strings.TrimSuffix(name, ending)+".prof", m.mode)
		err := put(at, nil, func(w io.Writer) error {
			_, err := w.Write(m.bytes)
			return err
		})
		if err == nil {
			files[len(files)-1].Mode = m.mode
		}
		errs = append(errs, err)
	}
	return files, errors.Join(errs...)
}

// writePieces writes what shows the trace itself: a file for each piece, for
// there is no joining traces.
func (o *Options) writePieces(r *recording, name, ending string, now bool, put func(string, []*convert.Input, func(io.Writer) error) error) error {
	if o.scope() != "" {
		return fmt.Errorf("--capture-range=%s: one scope alone is a profile or a table; %s shows the whole program", o.Range, ending)
	}
	r.mu.Lock()
	pieces, failed := r.pieces, r.failed
	r.mu.Unlock()
	if len(pieces) == 0 {
		return errors.Join(errNothing, failed)
	}
	for i, p := range pieces {
		at := name
		if i > 0 {
			at = beside(name, fmt.Sprintf("piece-%d", i+1))
		}
		encode := func(w io.Writer) error {
			_, err := convert.DrawTimeline(w, []string{"-"}, ending, convert.Options{Stdin: p.s.prefix()})
			return err
		}
		if ending == ".trace" {
			encode = func(w io.Writer) error { _, err := io.Copy(w, p.s.prefix()); return err }
		}
		if err := put(at, nil, encode); err != nil {
			return err
		}
	}
	return nil
}

// scope is the NAME of --capture-range=scope:NAME.
func (o *Options) scope() string {
	s, _ := strings.CutPrefix(o.Range, "scope:")
	if s == o.Range {
		return ""
	}
	return s
}

// narrow makes the scope that was asked for the whole of each input.
func (o *Options) narrow(ins []*convert.Input) error {
	want := o.scope()
	if want == "" {
		return nil
	}
	var have []string
	found := false
	for _, in := range ins {
		t := in.Trace
		var s *gotrace.Scope
		for _, c := range t.Scopes {
			have = append(have, c.Ledger.Name)
			if c.Ledger.Name == want || filepath.Base(c.Ledger.Name) == want {
				s = c
			}
		}
		if s != nil {
			found = true
			s.Ledger.Notes = append(s.Ledger.Notes, t.Whole.Notes...)
			t.Whole = s.Ledger
		}
	}
	if found {
		return nil
	}
	if len(have) == 0 {
		return fmt.Errorf("--capture-range=scope:%s: the recording has no scope, task or region", want)
	}
	return fmt.Errorf("--capture-range=scope:%s: the recording has no such scope, but %s", want, strings.Join(have, ", "))
}

// Reports returns the tables of what the file was made from, nil if that is
// not held any more.
func (f Written) Reports() []*ledger.Report {
	var rs []*ledger.Report
	for _, in := range f.inputs {
		rs = append(rs, in.Reports()...)
	}
	return rs
}
