// Package scratch gives tests folders for profiles that their own process
// writes.
package scratch

import (
	"strconv"
	"strings"
	"testing"

	"github.com/profscope/profscope/internal/session"
)

// Folder is t.TempDir, but that what is still to be written when the test ends,
// because other tests' scopes are open, is written before the folder goes.
func Folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() { Flush(t, dir) })
	return dir
}

// Flush has everything written and fails t where a file of dir could not be. A
// process has one Flush for all, and a test beside may break files of its own
// on purpose: their errors are its own. With a dir of "" they are t's too.
func Flush(t testing.TB, dir string) {
	t.Helper()
	err := session.Flush()
	if err == nil {
		return
	}
	said, quoted := err.Error(), strconv.Quote(dir)
	if strings.Contains(said, dir) || strings.Contains(said, quoted[1:len(quoted)-1]) {
		t.Errorf("Flush: %v", err)
	}
}
