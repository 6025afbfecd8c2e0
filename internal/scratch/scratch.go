// Package scratch gives tests folders for profiles that their own process
// writes.
package scratch

import (
	"testing"

	"github.com/profscope/profscope/internal/session"
)

// Folder is t.TempDir, but that what is still to be written when the test ends,
// because other tests' scopes are open, is written before the folder goes.
func Folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	Flush(t)
	return dir
}

// Flush has everything written when the test ends, before what was to be
// cleaned up until now.
func Flush(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		if err := session.Flush(); err != nil {
			t.Errorf("Flush: %v", err)
		}
	})
}
