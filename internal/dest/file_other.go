//go:build !unix

package dest

import (
	"io/fs"
	"os"
)

// Windows has no sync of folders; the rename writes through instead.
func syncFolder(string) error { return nil }

// The folder's inherited access list applies.
func keepOwner(*os.File, fs.FileInfo) {}

// Windows cannot tell without creating a file.
func mayCreate(string) error { return nil }
