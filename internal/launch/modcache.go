package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func below(dir, parent string) bool {
	return parent != "" && strings.HasPrefix(dir, parent+string(filepath.Separator))
}

// aliasCache is for toolchains that the go command has downloaded. They are in
// the module cache, where it allows no overlay, by name: so it is given another
// name of the cache, always the same, and the toolchain is started directly.
// What changes is the folder's name in the file names of dependencies.
func (g *goCommand) aliasCache(env goEnv) error {
	dir, err := os.UserCacheDir()
	if err == nil {
		dir = filepath.Join(dir, "profscope")
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("another name for the module cache: %w", err)
	}
	alias := filepath.Join(dir, "modcache")
	if to, err := os.Readlink(alias); err != nil || to != env.GOMODCACHE {
		// In one step, for several launchers may do it at once.
		fresh := fmt.Sprintf("%s.%d", alias, pid)
		if err := os.Symlink(env.GOMODCACHE, fresh); err != nil {
			return fmt.Errorf("another name for the module cache: %w", err)
		}
		if err := os.Rename(fresh, alias); err != nil {
			_ = os.Remove(fresh)
			return fmt.Errorf("another name for the module cache: %w", err)
		}
	}
	g.tool = filepath.Join(env.GOROOT, "bin", "go")
	g.more = []string{"GOMODCACHE=" + alias, "GOTOOLCHAIN=local"}
	return nil
}
