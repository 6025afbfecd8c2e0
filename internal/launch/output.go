package launch

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/gotrace"
	"github.com/profscope/profscope/internal/ledger"
)

// Written is a file that is durable.
type Written struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	PID   int    `json:"pid"`
	Mode  string `json:"mode,omitempty"` // of a profile of the runtime's own
	// Losses tell what of the recording is not in the file, a sentence each; the
	// file has them as notes, if its format has.
	Losses []string `json:"losses,omitempty"`
	// Reports are the tables of what the file was made from, if they were asked
	// for and it was read.
	Reports []*ledger.Report `json:"-"`
}

// write brings a recording to its files, whose names it takes by the pattern:
// the profile first, then one for each mode. Now writes what there is so far,
// as a snapshot.
func (o *Options) write(r *recording, names *namer, pattern string, now bool) ([]Written, error) {
	r.reading.RLock()
	defer r.reading.RUnlock()
	r.mu.Lock()
	pieces, profiles, failed := r.pieces, r.profiles, r.failed
	r.mu.Unlock()
	var modes []string
	for _, m := range profiles {
		modes = append(modes, m.mode)
	}
	var name string
	var err error
	if now {
		name, err = names.next(pattern, r.pid, len(pieces), modes)
	} else {
		name, err = r.finalName(names, pattern, len(pieces), modes, o.Modes)
	}
	if err != nil {
		return nil, err
	}
	ending, _ := convert.OutputEnding(name)
	var files []Written
	var moved []error
	put := func(name string, encode func(io.Writer) error) error {
		at, err := names.put(name, encode)
		if at == "" {
			return err
		}
		moved = append(moved, err)
		f := Written{Path: at, PID: r.pid}
		if info, err := os.Stat(at); err == nil {
			f.Bytes = info.Size()
		}
		files = append(files, f)
		return nil
	}
	if inPieces(name) {
		err = o.writePieces(pieces, failed, name, ending, put)
		if len(files) > 0 {
			files[0].Losses = r.losses(nil)
		}
	} else {
		var ins []*convert.Input
		var losses []string
		ins, losses, err = r.inputs(now)
		if err == nil {
			err = o.narrow(ins)
		}
		if err == nil {
			err = put(name, func(w io.Writer) error {
				return convert.Write(w, ins, ending, convert.OutputOptions{})
			})
		}
		if err == nil {
			files[0].Losses = losses
		}
		if err == nil && o.Tables && !now {
			for _, in := range ins {
				files[0].Reports = append(files[0].Reports, in.Reports()...)
			}
		}
	}
	errs := []error{err}
	if failed != nil && !errors.Is(err, failed) {
		errs = append(errs, failed)
	}
	for _, m := range profiles {
		err := put(modeName(name, m.mode), func(w io.Writer) error {
			_, err := w.Write(m.bytes)
			return err
		})
		if err == nil {
			files[len(files)-1].Mode = m.mode
		}
		errs = append(errs, err)
	}
	return files, errors.Join(append(errs, moved...)...)
}

// writePieces writes what shows the trace itself.
func (o *Options) writePieces(pieces []*piece, failed error, name, ending string, put func(string, func(io.Writer) error) error) error {
	if o.scope() != "" {
		return fmt.Errorf("--capture-range=%s: one scope alone is a profile or a table; %s shows the whole program", o.Range, ending)
	}
	if len(pieces) == 0 {
		return errors.Join(errNothing, failed)
	}
	for i, p := range pieces {
		encode := func(w io.Writer) error {
			_, err := convert.DrawTimeline(w, []string{"-"}, ending, convert.Options{Stdin: p.s.prefix()})
			return err
		}
		if ending == ".trace" {
			encode = func(w io.Writer) error { _, err := io.Copy(w, p.s.prefix()); return err }
		}
		if err := put(pieceName(name, i), encode); err != nil {
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
	have := map[string]bool{}
	found := false
	for _, in := range ins {
		t := in.Trace
		for _, c := range t.Scopes {
			have[c.Ledger.Name] = true
		}
		if s := pick(t.Scopes, want); s != nil {
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
	return fmt.Errorf("--capture-range=scope:%s: the recording has no such scope, but %s (scopes go by their files here, whatever cprofile.Name calls them)",
		want, strings.Join(slices.Sorted(maps.Keys(have)), ", "))
}

// pick returns the scope that is called so, or whose file is as it was written:
// the recording has its absolute name. What cprofile.Name gave it is not in the
// trace.
func pick(scopes []*gotrace.Scope, want string) *gotrace.Scope {
	var found *gotrace.Scope
	for _, s := range scopes {
		switch name := s.Ledger.Name; {
		case name == want:
			return s
		case strings.HasSuffix(name, string(filepath.Separator)+filepath.Clean(want)):
			found = s
		}
	}
	return found
}
