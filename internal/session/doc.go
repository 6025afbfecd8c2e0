// Package session owns the only process-wide state of profscope: the
// recording that all open scopes share, and the list of their destinations.
//
// One word counts the open scopes and says whether a recording is live, so
// that opening a scope while one runs takes an addition and a mark in the
// trace. Everything else (starting, ending, writing) is done under the
// recorder's lock, and by a keeper goroutine that lives as long as the
// recording does.
package session
