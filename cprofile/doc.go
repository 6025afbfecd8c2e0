// Package cprofile tells where the time of a function or a block went, on a
// CPU and off it:
//
//	var expensive = cprofile.Func("expensive.prof", expensiveFunction)
//
// The file opens with go tool pprof -http=: expensive.prof. The empty name
// prints a table on stdout instead.
//
// # Names
//
// "" is a table on stdout, "-" pprof bytes on stdout. In any other name %p is
// the process id, %h the host, %t the start time (UTC, 20060102T150405), %n the
// number of the call, which gives each call a file of its own, %r the rank
// ($RANK, else $LOCAL_RANK, else 0) and %% a percent sign. Relative names are
// under $PROFSCOPE_DIR where that is set; missing folders are made. The ending
// picks the format: .prof, .pprof, .pb.gz, no or an unknown ending is pprof,
// .txt the table, .folded folded stacks with their wall time, .pftrace a
// timeline for Perfetto, .json and .json.gz one for Perfetto, chrome://tracing
// and speedscope, .trace the raw Go execution trace.
//
// Traces and timelines cannot be added to: the file holds the recording, of all
// goroutines, from the begin of one scope to its end, and a later one replaces it.
// Scopes of that name that overlap, or follow each other within milliseconds, are in
// one file, which ends at the next moment after a second at which none is open. While
// the scope is open there is none, and Flush writes none.
//
// # When the file is there
//
// Calls of the same name add up. The first two ends of a file, and every scope
// longer than 200 ms, write before Stop returns, unless another scope is still
// open; then it is written within about a second. A scope that ends many times
// a second may spend a twentieth of the time on that; beyond it the file is
// written once a second and 50 ms after the last scope, so main needs
// defer cprofile.Flush().
//
// # Switching off
//
// PROFSCOPE=off (or 0, or false) in the environment switches every door off at
// start.
package cprofile
