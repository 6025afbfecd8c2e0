package dest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// What a caller may want to tell apart. Causes from the system are kept as
// well: errors.Is(err, fs.ErrPermission) and syscall.ENOSPC work.
var (
	ErrFormat   = errors.New("unknown format")
	ErrVerb     = errors.New("unknown verb")
	ErrName     = errors.New("not a usable file name")
	ErrFolder   = errors.New("is a folder")
	ErrLoop     = errors.New("symbolic links run in a circle")
	ErrKind     = errors.New("is neither a file, a FIFO nor a character device")
	ErrNoReader = errors.New("nobody reads this FIFO")
	ErrStalled  = errors.New("the reader stopped reading")
	ErrNoStdout = errors.New("there is no stdout")
	ErrShared   = errors.New("is written already, with other files or in another format")
)

// Error is a failure at one target. It reads
//
//	profscope: write "x.prof": create: permission denied: <what to do>
type Error struct {
	Name  string // as the caller wrote it; "" and "-" are stdout
	Stage string // name, open, make folder, create, encode, write, sync, replace, ...
	Err   error  // the cause, without the paths that Name tells already
	Hint  string // what to do about it, or ""
}

func (e *Error) Error() string {
	where := fmt.Sprintf("%q", e.Name)
	if e.Name == "" || e.Name == "-" {
		where = "stdout"
	}
	s := fmt.Sprintf("profscope: write %s: %s: %v", where, e.Stage, e.Err)
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// failed makes an Error. The system's path errors are cut down to their
// cause: they name the temporary file, which tells a user nothing.
func failed(name, stage string, err error) error {
	if stage != "encode" {
		switch e := err.(type) {
		case *fs.PathError:
			err = e.Err
		case *os.LinkError:
			err = e.Err
		}
	}
	return &Error{Name: name, Stage: stage, Err: err, Hint: hint(err)}
}

// hints are looked through in order. ENOTDIR and the like are system calls'
// errors that do not say which part of a path is meant.
var hints = []struct {
	is   error
	hint string
}{
	{ErrFolder, "give the name of a file in it"},
	{ErrNoReader, "start the reader first, or name a file"},
	{ErrKind, "name a file"},
	{ErrNoStdout, "name a file instead"},
	{ErrShared, "name the same files and formats at each place, or other files"},
	{syscall.EROFS, "name a file elsewhere, or set PROFSCOPE_DIR"},
	{fs.ErrPermission, "the folder must be writable, as the file is replaced whole; name another or set PROFSCOPE_DIR"},
	{syscall.ENOSPC, "free some space there, or name a file elsewhere"},
	{syscall.EDQUOT, "free some space there, or name a file elsewhere"},
	{syscall.EFBIG, "the limit on file sizes (ulimit -f) is too small"},
	{syscall.EMFILE, "the limit on open files (ulimit -n) is reached"},
	{fs.ErrNotExist, "its folder takes no files, or is gone; name another or set PROFSCOPE_DIR"},
	{syscall.ENOTDIR, "a part of the path is a file, not a folder"},
	{syscall.ENAMETOOLONG, "choose a shorter name"},
	{syscall.EPIPE, "the reader went away"},
	{syscall.EBUSY, "the file is a mount point, which cannot be replaced; mount its folder"},
}

func hint(err error) string {
	for _, h := range hints {
		if errors.Is(err, h.is) {
			return h.hint
		}
	}
	return ""
}
