//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterruptedFIFO: one that nobody writes to blocks while it is opened, one
// whose writer is silent while it is read.
func TestInterruptedFIFO(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"no writer", "a silent writer"} {
		name = filepath.Join(dir, name)
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "silent writer") {
			w, err := os.OpenFile(name, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { w.Close() })
		}
		for _, args := range [][]string{{"top", name}, {"convert", name, filepath.Join(dir, "x.html")}, {"diff", name, name}, {"view", "--no-browser", name}} {
			t.Run(filepath.Base(name)+", "+args[0], func(t *testing.T) {
				t.Parallel()
				// Late enough that it mostly waits already; it must end either way.
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				checkInterrupted(t, ctx, nil, args...)
			})
		}
	}
}
