package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const runFolder = "profscope-run-"

// newFolder makes the folder of one run, for nobody else to enter, and removes
// those of launchers that were killed.
func newFolder() (string, error) {
	tmp := os.TempDir()
	if checkSocketPath(filepath.Join(tmp, runFolder+"1234567890-1234567890", "rec")) != nil {
		tmp = "/tmp" // sockets are in the folder too
	}
	sweep(tmp)
	dir, err := os.MkdirTemp(tmp, fmt.Sprintf("%s%d-*", runFolder, pid))
	if err != nil {
		return "", fmt.Errorf("folder of the run: %w: TMPDIR names another", err)
	}
	return dir, nil
}

func sweep(tmp string) {
	old, err := filepath.Glob(filepath.Join(tmp, runFolder+"*"))
	if err != nil {
		return
	}
	for _, dir := range old {
		of, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), runFolder), "-")
		n, err := strconv.Atoi(of)
		info, statErr := os.Lstat(dir)
		// A young one may be of another container, whose processes are not seen.
		if err != nil || statErr != nil || time.Since(info.ModTime()) < time.Hour || isAlive(n) {
			continue
		}
		_ = os.RemoveAll(dir) // somebody else's stays
	}
}
