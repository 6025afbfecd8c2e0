package httpprofile

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// folder is where the profiles are. It is read through an os.Root, which no
// name and no symbolic link leads out of.
type folder struct {
	of    string // whose option Dir is meant: Handler or Middleware
	dir   string
	limit int64 // bytes of all files
}

// names are those of recordings and of their files: no separators, nothing
// hidden, nothing that a shell or a URL would take apart.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

func checkName(name string) error {
	if !names.MatchString(name) {
		return failf(http.StatusBadRequest, "the name %q is none: letters, digits, '.', '_' and '-' are, at most 128, the first a letter or a digit", name)
	}
	return nil
}

// open returns the folder, made if it is missing.
func (f *folder) open() (*os.Root, error) {
	if f.dir == "" {
		return nil, failf(http.StatusServiceUnavailable, "there is no folder for profiles: set PROFSCOPE_DIR in the server's environment, or the option Dir of %s", f.of)
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, failf(http.StatusInternalServerError, "make the folder of the profiles: %w", err)
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, failf(http.StatusInternalServerError, "open the folder of the profiles: %w", err)
	}
	return root, nil
}

// path returns the pattern that doors take for a file in the folder, and
// refuses one that is there and no file: a symbolic link would be written
// through.
func (f *folder) path(root *os.Root, file string) (string, error) {
	info, err := root.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", failf(http.StatusInternalServerError, "%w", err)
	case !info.Mode().IsRegular():
		return "", failf(http.StatusBadRequest, "%q in the folder of the profiles is no file: take another name", file)
	}
	abs, err := filepath.Abs(root.Name())
	if err != nil {
		return "", failf(http.StatusInternalServerError, "%w", err)
	}
	return strings.ReplaceAll(filepath.Join(abs, file), "%", "%%"), nil
}

// room returns how many bytes the folder may still take.
func (f *folder) room(root *os.Root) (int64, error) {
	files, err := f.files(root)
	if err != nil {
		return 0, err
	}
	left := f.limit
	for _, info := range files {
		left -= info.Size()
	}
	if left <= 0 {
		return 0, failf(http.StatusInsufficientStorage, "the folder of the profiles is full: %d bytes of %d; remove some with DELETE /profiles/NAME", f.limit-left, f.limit)
	}
	return left, nil
}

// files returns all files of the folder that have names of profiles.
func (f *folder) files(root *os.Root) ([]fs.FileInfo, error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, failf(http.StatusInternalServerError, "%w", err)
	}
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return nil, failf(http.StatusInternalServerError, "%w", err)
	}
	var files []fs.FileInfo
	for _, e := range entries {
		if !e.Type().IsRegular() || !names.MatchString(e.Name()) {
			continue
		}
		if info, err := e.Info(); err == nil { // gone meanwhile
			files = append(files, info)
		}
	}
	return files, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
