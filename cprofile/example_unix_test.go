//go:build unix

package cprofile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/profscope/profscope/cprofile"
)

func ExampleFlushOnSignal() {
	dir, remove := tempDir()
	defer remove()
	file := filepath.Join(dir, "server.prof")
	scope := cprofile.New(file, cprofile.FlushOnSignal(syscall.SIGUSR1)).Start()
	defer scope.Stop()

	// As an operator would: kill -USR1.
	_ = syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(file); err == nil {
			fmt.Println("written, and the program goes on")
			return
		}
	}
	// Output: written, and the program goes on
}
