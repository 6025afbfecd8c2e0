//go:build !linux && !darwin

package launch

import "time"

// lockFolder is for the systems where programs are launched.
func lockFolder(string, time.Duration) (unlock func(), err error) { return nil, ErrPlatform }
