//go:build unix && !linux

package dest

import "errors"

func setWinsize(int, uint16) error { return errors.ErrUnsupported }
