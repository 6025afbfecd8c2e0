//go:build linux || darwin

package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockFolder has the folder of the sessions for its caller alone, who takes a
// name or removes what nobody listens at: to see that a name is free and to take
// it are two steps. It waits that long. The kernel unlocks for whoever is killed;
// who is stopped while he has it holds the others up for as long as they wait.
//
// The file stays: were it removed, two could have locked what was there before
// and after. os.Link of a socket to its name would need no lock for a name that is
// free, but for one that nobody listens at any more.
func lockFolder(dir string, wait time.Duration) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the folder of the sessions: %w", err)
	}
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() {
				_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) // by close alone, a child that is being forked would have it yet
				f.Close()
			}, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR || time.Since(begun) >= wait {
			f.Close()
			return nil, fmt.Errorf("lock the folder of the sessions: %s: %w", f.Name(), err)
		}
	}
}
