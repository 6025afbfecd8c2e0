// Package stub is what records inside a program that `profscope profile`
// started: it streams the runtime's execution trace to the launcher over a
// unix socket, and knows nothing of what becomes of it.
//
// It needs the standard library alone, for it is linked into other people's
// programs: the launcher overlays these files into a package of the standard
// library that is empty otherwise, together with those in std/, which may use
// what only the standard library may (the hooks at a program's exit). Without
// the launcher's variable in the environment it does nothing at all.
//
// A program that links profscope has it by package session, so that the
// launcher records binaries that were built without it. There nothing tells of
// the program's end: of the last moment up to half a second is missing.
//
// What it promises to its host: no output, no exit, no panic, and no wait but
// at the very end, which is bounded. A launcher that reads too slowly costs
// gaps in the recording, one that has gone ends it.
package stub
