package cprofile

import "github.com/profscope/profscope/internal/dest"

// What can be wrong with a destination, for errors.Is on what Stop, [Flush] and
// [OnError] give. Causes from the system are there as well: fs.ErrPermission,
// syscall.ENOSPC and so on.
var (
	// ErrFormat: the name's ending, or [Format], is no format's.
	ErrFormat = dest.ErrFormat
	// ErrVerb: the name has a % that stands for nothing.
	ErrVerb = dest.ErrVerb
	// ErrName: no file can have the name.
	ErrName = dest.ErrName
	// ErrFolder: the name is a folder's.
	ErrFolder = dest.ErrFolder
	// ErrShared: another scope writes the file already, in another format or
	// with other companions.
	ErrShared = dest.ErrShared
	// ErrNoReader: the file is a FIFO and nobody reads it.
	ErrNoReader = dest.ErrNoReader
	// ErrStalled: the reader of a FIFO, a device or stdout took nothing for too
	// long.
	ErrStalled = dest.ErrStalled
	// ErrNoStdout: the program has closed its standard output.
	ErrNoStdout = dest.ErrNoStdout
)
