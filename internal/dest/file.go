package dest

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/natefinch/atomic"
)

const (
	// A profile names functions, files and users' data in labels: private
	// until its owner says otherwise.
	newFileMode = 0o600
	// A folder shows names only, and one that is made on the way to a file
	// is the user's, not ours: what mkdir -p gives, except that the group
	// may never write.
	newFolderMode = 0o755
)

const bufferBytes = 64 << 10

// fileSink replaces a regular file:
//
//  1. make missing folders, create a temporary file in the target's folder
//  2. write; mode and owner of the old file, if any; sync
//  3. name the temporary file; rename it over the target; sync the folder, so
//     that the rename lasts too. Where nothing is there, a file without a name
//     takes the target's at once.
//
// The rename is natefinch/atomic's, which writes through to the disk on
// Windows, where os.Rename does not and a folder cannot be synced. The rest
// is ours: its WriteFile copies from a reader, so that an encoder would need
// a goroutine and a pipe, and sets the mode of the file after the sync.
// google/renameio has the two phases, but does not exist on Windows, names
// its files without the PID and longer than the target's own, and does not
// sync the folder.
type fileSink struct {
	t    *target
	temp *tempFile
	buf  *bufio.Writer
	// closed and gone say what abort has left to do.
	closed, gone bool
}

func createFile(t *target) (sink, error) {
	dir := folder(t.path)
	if err := makeFolders(dir); err != nil {
		return nil, failed(t.name, "make folder", loop(err))
	}
	temp, err := createTemp(dir)
	if err != nil {
		return nil, failed(t.name, "create", err)
	}
	return &fileSink{t: t, temp: temp, buf: bufio.NewWriterSize(temp, bufferBytes)}, nil
}

// makeFolders makes dir and what is missing above it, durably. The folders
// stay when the file then fails: another writer may be using them already.
func makeFolders(dir string) error {
	if fi, err := os.Stat(dir); err == nil && fi.IsDir() {
		return nil
	}
	var parents []string // of folders that are missing
	for d := dir; ; {
		if _, err := os.Lstat(d); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		up := filepath.Dir(d)
		if up == d {
			break
		}
		parents = append(parents, up)
		d = up
	}
	if err := os.MkdirAll(dir, newFolderMode); err != nil {
		return err
	}
	for _, p := range parents {
		// parents are cleaned names: above a ".." they may not exist.
		if err := syncFolder(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (s *fileSink) write(p []byte) error {
	if _, err := s.buf.Write(p); err != nil {
		return failed(s.t.name, "write", err)
	}
	return nil
}

func (s *fileSink) commit() error {
	if err := s.buf.Flush(); err != nil {
		return failed(s.t.name, "write", err)
	}
	if err := s.last(); err != nil {
		return err
	}
	if s.temp.take(s.t.path) {
		s.gone = true
		s.temp.Close() // it has been synced
		return s.syncFolder()
	}
	copied, err := s.temp.name()
	if err != nil {
		return failed(s.t.name, "replace", err)
	}
	if copied {
		if err := s.last(); err != nil {
			return err
		}
	}
	s.closed = true
	if err := s.temp.Close(); err != nil {
		return failed(s.t.name, "close", err)
	}
	if err := atomic.ReplaceFile(s.temp.path, s.t.path); err != nil {
		return failed(s.t.name, "replace", err)
	}
	s.gone = true
	return s.syncFolder()
}

func (s *fileSink) syncFolder() error {
	if err := syncFolder(folder(s.t.path)); err != nil {
		// The new file is in place and whole; only whether it outlives a
		// power cut is open.
		return failed(s.t.name, "sync folder", err)
	}
	return nil
}

// last makes the temporary file what the target is to be, down to the disk.
func (s *fileSink) last() error {
	// Asked again, not taken from Open: a profile may be minutes in the
	// making, and a chmod meanwhile was meant.
	if fi, err := os.Lstat(s.t.path); err == nil && fi.Mode().IsRegular() {
		if err := keepMode(s.temp.File, fi); err != nil {
			return failed(s.t.name, "keep mode", err)
		}
	}
	if err := s.temp.Sync(); err != nil {
		return failed(s.t.name, "sync", err)
	}
	return nil
}

// keepMode gives f the mode of the file that it replaces, and its owner if
// the system lets us: root profiling for a user must not take the file away.
func keepMode(f *os.File, old fs.FileInfo) error {
	keepOwner(f, old)
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	if fi.Mode().Perm() == old.Mode().Perm() {
		return nil
	}
	return f.Chmod(old.Mode().Perm())
}

func (s *fileSink) abort() error {
	if s.gone {
		return nil
	}
	s.gone = true
	if !s.closed {
		s.closed = true
		s.temp.Close() // its content is not wanted, so neither is its error
	}
	if err := s.temp.remove(); err != nil {
		return failed(s.t.name, "remove "+filepath.Base(s.temp.path), err)
	}
	return nil
}
