package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/dest"
)

// Put writes a file, and where it cannot be there (the folder was fine when the
// recording began, and is gone, full or somebody else's now) in the working folder
// or below that of temporary files: what was recorded cannot be had again. at is
// the file's name then, and the error says so; where there is no file at all it is
// "".
func Put(name string, encode func(io.Writer) error) (at string, err error) {
	return (&namer{given: map[string]bool{}}).put(name, encode)
}

// put is Put among the files of a run.
func (n *namer) put(name string, encode func(io.Writer) error) (at string, err error) {
	err = dest.Put(name, encode)
	var where *dest.Error
	switch {
	case err == nil:
		return name, nil
	case !errors.As(err, &where) || where.Stage == "encode":
		return "", err // it is no matter of the place
	}
	errs := []error{err}
	for _, place := range []func() (string, error){func() (string, error) { return filepath.Abs(".") }, n.refuge} {
		dir, err := place()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if dir == filepath.Dir(name) {
			continue
		}
		at := n.elsewhere(filepath.Join(dir, brief(filepath.Base(name))))
		if err := dest.Put(at, encode); err != nil {
			errs = append(errs, err)
			continue
		}
		return at, fmt.Errorf("%w: what was recorded is in %s", errs[0], at)
	}
	return "", errors.Join(errs...)
}

// refuge makes a folder of our own below that of temporary files, in which anybody
// may have laid a link for a name that he guessed.
func (n *namer) refuge() (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.own != "" {
		return n.own, nil
	}
	tmp, err := filepath.Abs(os.TempDir())
	if err != nil {
		return "", err
	}
	n.own, err = os.MkdirTemp(tmp, "profscope-")
	return n.own, err
}

// elsewhere returns a name like that one which nothing has: a link that leads
// nowhere has it too.
func (n *namer) elsewhere(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for at, i := name, 2; ; i++ {
		if _, err := os.Lstat(at); err != nil && n.takeLocked([]string{at}, false) {
			return at
		}
		at = beside(name, fmt.Sprint(i))
	}
}

// briefBytes leaves a file name room for what beside adds, wherever it may be.
const briefBytes = 200

// brief cuts a name that may have been too long for where it should be, but not
// its ending.
func brief(base string) string {
	if len(base) <= briefBytes {
		return base
	}
	ending, _ := convert.OutputEnding(base)
	cut := briefBytes - len(ending)
	for !utf8.RuneStart(base[cut]) {
		cut--
	}
	return base[:cut] + ending
}
