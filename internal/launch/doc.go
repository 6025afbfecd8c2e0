// Package launch records programs from outside: it builds a program with the
// recorder of package stub linked in and its sources untouched, starts it,
// takes what it streams, and makes the files. A running recording is a
// session, which other processes find and steer by a unix socket.
//
// How the recorder gets in, and what was rejected:
//
//   - An overlay (go build -overlay) adds the recorder as a package of the
//     standard library, and to each main package one file that imports it.
//     Neither go.mod, go.sum, vendor folders nor the language version see it.
//   - A requirement in another go.mod (-modfile) would raise the program's go
//     line, with other loop variables and GODEBUG defaults, and fail for
//     vendor folders and workspaces.
//   - A package below the program's main module would do, but the hooks at a
//     program's exit are for the standard library's packages alone, and
//     without them the last moment of a recording would be lost.
//
// The analysis runs here and not in the program. The trace is kept in an
// unlinked temporary file, read while it grows: so a stop finds most of the
// work done, and a snapshot can read from the begin.
package launch
