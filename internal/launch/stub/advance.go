//go:build unix

package stub

import _ "unsafe" // for linkname

//go:linkname traceAdvance runtime.traceAdvance
func traceAdvance(stop bool)

// advance ends the trace's generation, and returns when the writer has it.
func advance() { traceAdvance(false) }
