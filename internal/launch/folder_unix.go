//go:build unix

package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// sessionFolder is where the control sockets are: $XDG_RUNTIME_DIR/profscope,
// or a folder of the user's own among the temporary files. It is an error if
// anybody else could put something there.
func sessionFolder() (string, error) {
	dir := filepath.Join(os.TempDir(), "profscope-"+strconv.Itoa(os.Getuid()))
	if d := os.Getenv("XDG_RUNTIME_DIR"); d != "" {
		dir = filepath.Join(d, "profscope")
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", fmt.Errorf("folder of the sessions: %w: XDG_RUNTIME_DIR names another", err)
	}
	info, err := os.Lstat(dir) // not through a link that somebody else made
	if err != nil {
		return "", fmt.Errorf("folder of the sessions: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(st.Uid) != os.Getuid() || info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("folder of the sessions %s must be a folder of yours that nobody else may enter (mode 0700): remove it, or name another by XDG_RUNTIME_DIR", dir)
	}
	return dir, nil
}

// maxSocketPath is the least that systems give a socket's name.
const maxSocketPath = 103

func checkSocketPath(path string) error {
	if len(path) > maxSocketPath {
		return fmt.Errorf("socket %s: its path has %d bytes, the system takes %d", path, len(path), maxSocketPath)
	}
	return nil
}
