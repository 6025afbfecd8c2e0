package dest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Probe is Check, but that it also tries what only trying tells: /proc has no room
// for files, and no permission says so. It leaves nothing behind: a folder that is
// missing is made, and removed again. Devices, FIFOs and stdout are as good as
// their names until they are written to, and a FIFO's reader may yet come.
func Probe(name string) error {
	if IsStdout(name) {
		return nil
	}
	t, err := resolve(name)
	if err != nil {
		return err
	}
	if t.direct() {
		return nil
	}
	if err := Check(name); err != nil {
		return err
	}
	missing, dir := "", folder(t.path)
	for {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir {
			break
		}
		missing, dir = dir, filepath.Dir(dir)
	}
	if missing == "" {
		temp, err := createTemp(dir)
		if err != nil {
			return failed(name, "create", err)
		}
		temp.Close() // nothing is in it
		if err := temp.remove(); err != nil {
			return failed(name, "create", err)
		}
		return nil
	}
	// Of the folders below it, what may be wrong is their names.
	if _, err := os.Lstat(t.path); errors.Is(err, syscall.ENAMETOOLONG) {
		return failed(name, "make folder", err)
	}
	if err := os.Mkdir(missing, newFolderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return failed(name, "make folder", err)
	} else if err == nil {
		if err := os.Remove(missing); err != nil {
			return failed(name, "make folder", err)
		}
	}
	return nil
}
