package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/dest"
)

// DefaultOutput is where recordings go if nobody says: nsys' name, the lowest
// number that is free.
const DefaultOutput = "report%n.prof"

// namer gives each file of a run a name of its own.
type namer struct {
	pattern string
	force   bool // replace files of other runs

	mu    sync.Mutex
	given map[string]bool
	own   string // folder of refuge, "" as long as nobody needed it
}

// checkOutput refuses what would fail at the end of a long recording.
func checkOutput(o *Options) error {
	vars := dest.ProcessVars()
	vars.PID = 1
	name, err := dest.Expand(o.Output, vars, 1)
	if err != nil {
		return err
	}
	if o.Force || strings.Contains(o.Output, "%") {
		return nil
	}
	return CheckFree(o.Output, "--force-overwrite=true replaces it, and %n in the name takes the next number that is free",
		append([]string{name}, companions(name, 1, o.Modes)...)...)
}

// CheckPlace refuses an output that nothing can be written to: for a recording of
// hours that is too late at its end. Modes are those of [Options].
func CheckPlace(pattern string, modes ...string) error {
	vars := dest.ProcessVars()
	vars.PID = 1
	name, err := dest.Expand(pattern, vars, 1)
	if err != nil {
		return err
	}
	for _, at := range append([]string{name}, companions(name, 1, modes)...) {
		if err := dest.Probe(at); err != nil {
			return err
		}
	}
	return nil
}

// ErrTaken is the error for an output that would replace a file.
var ErrTaken = errors.New("exists")

// CheckFree refuses an output whose files, of those names, would replace what is
// there. The remedy is part of the error.
func CheckFree(output, remedy string, names ...string) error {
	for i, at := range names {
		if info, err := os.Stat(at); i == 0 && err == nil && info.IsDir() {
			return fmt.Errorf("-o %s: that is a folder: name a file in it", output)
		}
		if !isFree(at) {
			return fmt.Errorf("-o %s: the file %s %w: %s", output, at, ErrTaken, remedy)
		}
	}
	return nil
}

// isFree reports whether nothing is lost by writing there. A device or a FIFO
// is written to.
func isFree(name string) bool {
	info, err := os.Stat(name)
	return err != nil || !info.Mode().IsRegular()
}

// companions are the names of what a recording leaves beside the file of that
// name: its other pieces, and the profiles of its modes.
func companions(name string, pieces int, modes []string) []string {
	var names []string
	for i := 1; i < pieces && inPieces(name); i++ {
		names = append(names, pieceName(name, i))
	}
	for _, m := range modes {
		names = append(names, modeName(name, m))
	}
	return names
}

// inPieces reports whether each piece of a trace has a file of its own: there is
// no joining traces, but their sums.
func inPieces(name string) bool {
	e, _ := convert.OutputEnding(name)
	return e == ".trace" || convert.IsTimeline(e)
}

// pieceName is that of the piece i, from 0.
func pieceName(name string, i int) string {
	if i == 0 {
		return name
	}
	return beside(name, fmt.Sprintf("piece-%d", i+1))
}

func modeName(name, mode string) string {
	ending, _ := convert.OutputEnding(name)
	return beside(strings.TrimSuffix(name, ending)+".prof", mode)
}

// next returns a name for a recording of that process, whose companions are
// free too. Files are never lost: one that is there, from this run or (without
// force) from another, makes the name NAME.2.ENDING.
func (n *namer) next(pattern string, pid, pieces int, modes []string) (string, error) {
	if pattern == "" {
		pattern = n.pattern
	}
	vars := dest.ProcessVars()
	vars.PID = pid
	n.mu.Lock()
	defer n.mu.Unlock()
	for call := int64(1); ; call++ {
		name, err := dest.Expand(pattern, vars, call)
		if err != nil {
			return "", err
		}
		if abs, err := filepath.Abs(name); err == nil { // else the working folder is gone, which put sees
			name = abs
		}
		if !dest.PerCall(pattern) && call > 1 {
			name = beside(name, fmt.Sprint(call))
		}
		all := append([]string{name}, companions(name, pieces, modes)...)
		force := n.force && !dest.PerCall(pattern)
		if n.takeLocked(all, force) {
			return name, nil
		}
	}
}

// again takes a name with the companions that it needs now, where it was taken
// with others, which are free then.
func (n *namer) again(pattern, name string, had, needs []string) bool {
	if pattern == "" {
		pattern = n.pattern
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, at := range append(had, name) {
		delete(n.given, at)
	}
	return n.takeLocked(append(needs, name), n.force && !dest.PerCall(pattern))
}

// takeLocked takes all of the names, if they can be had. There is no replacing a
// folder, whatever force says.
func (n *namer) takeLocked(all []string, force bool) bool {
	if slices.ContainsFunc(all, func(at string) bool {
		info, err := os.Stat(at)
		return n.given[at] || err == nil && (info.IsDir() || info.Mode().IsRegular() && !force)
	}) {
		return false
	}
	for _, at := range all {
		n.given[at] = true
	}
	return true
}

// beside returns the name with a word before its ending: x.prof, x.mem.prof.
func beside(name, word string) string {
	base := filepath.Base(name)
	e := convert.Ending(base)
	if !strings.HasSuffix(strings.ToLower(base), e) {
		return name + "." + word
	}
	stem := name[:len(name)-len(e)]
	return stem + "." + word + name[len(name)-len(e):]
}
