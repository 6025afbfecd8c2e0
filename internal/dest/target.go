package dest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// target is where a name leads.
type target struct {
	name string      // as the caller wrote it
	path string      // absolute, the last link followed; not cleaned (see resolve)
	info fs.FileInfo // what is there; nil if nothing
	// inPlace marks a file that was reached through a link of /proc: it is
	// somebody's open file (/dev/stderr > log), so replacing it would cut
	// the owner off from its name, and writing at its start would
	// overwrite what the owner wrote.
	inPlace bool
}

// direct tells that the target is written as it is, not replaced.
func (t *target) direct() bool {
	return t.inPlace || t.info != nil && !t.info.Mode().IsRegular()
}

const maxLinks = 40 // Linux's own limit

// Possible returns what is wrong with a name whatever is there: a NUL in it, or
// that it ends as a folder's.
func Possible(name string) error {
	switch {
	case strings.IndexByte(name, 0) >= 0:
		return failed(name, "name", ErrName)
	case name != "" && os.IsPathSeparator(name[len(name)-1]):
		return failed(name, "open", ErrFolder)
	}
	return nil
}

// resolve finds out where name leads. The last part's links are followed by
// hand, since a file is replaced by renaming, and that must happen where the
// link points and leave the link alone.
//
// Paths are glued and never cleaned: filepath.Join makes "a/../x" into "x",
// which is another file when a is a link.
func resolve(name string) (*target, error) {
	if err := Possible(name); err != nil {
		return nil, err
	}
	t := &target{name: name, path: name}
	if !filepath.IsAbs(t.path) {
		// Absolute, so that Commit still hits the same file when the program
		// has changed its working directory since Open.
		if wd, err := os.Getwd(); err == nil && filepath.VolumeName(t.path) == "" && !os.IsPathSeparator(t.path[0]) {
			t.path = wd + string(filepath.Separator) + t.path
		}
	}
	for hops := 0; ; hops++ {
		if hops > maxLinks {
			return nil, failed(name, "open", ErrLoop)
		}
		fi, err := os.Lstat(t.path)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, failed(name, "open", loop(err))
		}
		if fi.Mode()&fs.ModeSymlink == 0 {
			t.info = fi
			break
		}
		if strings.HasPrefix(t.path, "/proc/") || strings.HasPrefix(t.path, "/dev/fd/") {
			// The link's text may be no path at all ("pipe:[4711]").
			if t.info, err = os.Stat(t.path); err != nil {
				return nil, failed(name, "open", err)
			}
			t.inPlace = true
			break
		}
		to, err := os.Readlink(t.path)
		if err != nil {
			return nil, failed(name, "read link", err)
		}
		if !filepath.IsAbs(to) {
			dir, _ := filepath.Split(t.path)
			if to != "" && os.IsPathSeparator(to[0]) {
				dir = filepath.VolumeName(t.path) // rooted, on Windows
			}
			to = dir + to
		}
		t.path = to
	}
	return t, t.refuse()
}

// refuse returns an error for targets that can hold no profile.
func (t *target) refuse() error {
	if os.IsPathSeparator(t.path[len(t.path)-1]) { // a link's text may end so
		return failed(t.name, "open", ErrFolder)
	}
	if t.info == nil {
		return nil
	}
	switch m := t.info.Mode(); {
	case m.IsDir():
		return failed(t.name, "open", ErrFolder)
	case m.IsRegular(), m&fs.ModeNamedPipe != 0, m&fs.ModeCharDevice != 0:
		return nil
	default:
		// Block devices too: a profile written over a disk is never what
		// somebody meant.
		return failed(t.name, "open", ErrKind)
	}
}

// loop gives the system's word for a circle of folders' links our name.
func loop(err error) error {
	if errors.Is(err, syscall.ELOOP) {
		return ErrLoop
	}
	return err
}

// Check finds what cannot work later without leaving a trace at the target: a
// NUL in the name, a folder, a circle of links, a file where a folder should
// be, a folder that cannot be written to, a FIFO that nobody reads, a stdout
// that is closed. It costs a few system calls. It can be wrong both ways, as
// the world changes until Open.
//
// A FIFO stays open from Check to the next Open of it: its reader would take
// Check's leaving for the end of the data.
func Check(name string) error {
	if IsStdout(name) {
		return checkStdout(name)
	}
	t, err := resolve(name)
	if err != nil {
		return err
	}
	if t.direct() {
		if t.info.Mode()&fs.ModeNamedPipe != 0 && !t.inPlace {
			return parkFIFO(t)
		}
		return nil
	}
	for dir := folder(t.path); ; dir = filepath.Dir(dir) {
		fi, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir:
			continue // will be made
		case err == nil && !fi.IsDir():
			err = syscall.ENOTDIR
		case err == nil:
			err = mayCreate(dir)
		}
		if err != nil {
			return failed(name, "check", loop(err))
		}
		return nil
	}
}

// Identity returns what all names of one file have in common, whichever links
// they lead through, and "" for what is no file to be replaced: stdout, devices,
// FIFOs. Hard links are files of their own: replacing parts them.
func Identity(name string) string {
	if IsStdout(name) {
		return ""
	}
	t, err := resolve(name)
	if err != nil || t.direct() {
		return ""
	}
	if real, err := filepath.EvalSymlinks(folder(t.path)); err == nil {
		return filepath.Join(real, filepath.Base(t.path))
	}
	return filepath.Clean(t.path) // the folder will be made
}

// Shared is the error of a name whose file somebody else writes otherwise.
func Shared(name string) error { return failed(name, "open", ErrShared) }

// folder returns the folder of path, not cleaned.
func folder(path string) string {
	dir, _ := filepath.Split(path)
	if dir == "" {
		return "."
	}
	if s := strings.TrimRight(dir, string(filepath.Separator)); s != "" && s != filepath.VolumeName(path) {
		return s
	}
	return dir
}
