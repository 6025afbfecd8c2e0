//go:build !linux

package dest

import (
	"errors"
	"os"
)

func openUnnamed(string) *os.File { return nil }

func (*tempFile) linkUnnamed(string) error { return errors.ErrUnsupported }
