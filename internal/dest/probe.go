package dest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Probe is Check, but that it also tries what only trying tells: /proc has no room
// for files, and no permission says so. It leaves nothing behind. Devices, FIFOs and
// stdout are as good as their names until they are written to, and a FIFO's reader
// may yet come.
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
	missing, dir := false, folder(t.path)
	for {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir {
			break
		}
		missing, dir = true, filepath.Dir(dir)
	}
	if missing {
		// One of another name: who else is about to make the folder must not have
		// it taken away.
		probe, err := os.MkdirTemp(dir, tempPrefix)
		if err == nil {
			err = os.Remove(probe)
		}
		if err != nil {
			return failed(name, "make folder", err)
		}
		return nil
	}
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
