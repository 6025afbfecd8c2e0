package launch

import (
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
}

// checkOutput refuses what would fail at the end of a long recording.
func checkOutput(o *Options) error {
	ending := o.ending()
	if ending != ".trace" && !slices.Contains(convert.Outputs, ending) {
		return fmt.Errorf("-o %s: %s: .trace, %w", o.Output, ending, convert.ErrOutput)
	}
	vars := dest.ProcessVars()
	vars.PID = 1
	name, err := dest.Expand(o.Output, vars, 1)
	if err != nil {
		return err
	}
	if !o.Force && !strings.Contains(o.Output, "%") {
		info, err := os.Stat(name)
		if err == nil && info.IsDir() {
			return fmt.Errorf("-o %s: that is a folder: name a file in it", o.Output)
		}
		if err == nil && info.Mode().IsRegular() { // a device or a FIFO is written to
			return fmt.Errorf("-o %s: the file exists: --force-overwrite=true replaces it, and %%n in the name takes the next number that is free", o.Output)
		}
	}
	return nil
}

// ending decides the format. One that no format has is a pprof profile's, as
// everywhere.
func (o *Options) ending() string {
	e, _ := convert.OutputEnding(strings.ReplaceAll(o.Output, "%", "_"))
	return e
}

// next returns a name for a recording of that process. Files are never lost:
// one that is there, from this run or (without force) from another, makes the
// name NAME.2.ENDING.
func (n *namer) next(pattern string, pid int) (string, error) {
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
		if name, err = filepath.Abs(name); err != nil {
			return "", fmt.Errorf("output %s: %w", pattern, err)
		}
		if !dest.PerCall(pattern) && call > 1 {
			name = beside(name, fmt.Sprint(call))
		}
		if n.freeLocked(name, n.force && !dest.PerCall(pattern)) {
			n.given[name] = true
			return name, nil
		}
	}
}

func (n *namer) freeLocked(name string, force bool) bool {
	if n.given[name] {
		return false
	}
	if force {
		return true
	}
	info, err := os.Stat(name)
	return err != nil || !info.Mode().IsRegular() // a device or a FIFO is written to
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
