package dest

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// The name of a temporary file is tempPrefix PID "-" random tempSuffix, beside
// its target. Only a process that ended meanwhile leaves one behind. Nobody
// here removes them: in containers that share a folder, the PID of a file's
// owner may be ours or nobody's while the owner is alive.
//
// The name is short and not made from the target's, which may already be as
// long as the file system allows.
const (
	tempPrefix = ".profscope-"
	tempSuffix = ".tmp"
)

// A tempFile holds content until it is whole and can take the target's name.
// Where the system has files without a name (Linux), it gets one only then:
// a program may end at any moment, in the middle of a write too, and leaves
// nothing behind but in the moment between the naming and the renaming over an
// older file.
type tempFile struct {
	*os.File
	dir  string
	path string // "" while it has no name
}

func createTemp(dir string) (*tempFile, error) {
	if f := openUnnamed(dir); f != nil {
		return &tempFile{File: f, dir: dir}, nil
	}
	return createNamed(dir)
}

// createNamed is os.CreateTemp with a mode that the umask applies to as it
// does to other files.
func createNamed(dir string) (*tempFile, error) {
	t := &tempFile{dir: dir}
	err := t.tryNames(func(path string) (err error) {
		t.File, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, newFileMode)
		return err
	})
	return t, err
}

// tryNames finds a name that is free.
func (t *tempFile) tryNames(take func(path string) error) error {
	prefix := t.dir + string(filepath.Separator) + tempPrefix + strconv.Itoa(os.Getpid()) + "-"
	for try := 0; ; try++ {
		path := prefix + strconv.FormatUint(rand.Uint64(), 36) + tempSuffix
		err := take(path)
		if err == nil {
			t.path = path
			return nil
		}
		if !errors.Is(err, fs.ErrExist) || try == 100 {
			return err
		}
	}
}

// take gives a file without a name that one, if nothing has it, and reports
// whether it did: a program that ends at any moment then leaves nothing else.
func (t *tempFile) take(path string) bool { return t.path == "" && t.linkUnnamed(path) == nil }

// name gives the file a name, if it has none. Not every file system that has
// files without one lets them be linked, and the folder may have become
// another since: then the content is copied to a file with a name, which
// takes t's place, and copied says so.
func (t *tempFile) name() (copied bool, err error) {
	if t.path != "" || t.tryNames(t.linkUnnamed) == nil {
		return false, nil
	}
	to, err := createNamed(t.dir)
	if err != nil {
		return false, err
	}
	from := t.File
	*t = *to
	defer from.Close() // read only, and at its end
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return true, err
	}
	_, err = io.Copy(t.File, from)
	return true, err
}

// remove is for a file that is closed.
func (t *tempFile) remove() error {
	if t.path == "" {
		return nil
	}
	if err := os.Remove(t.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
