// Package profscope is the map of the module; it holds no code.
//
// One line in a Go program tells where the time of a function or a block
// went, on a CPU and off it, exactly: a file for go tool pprof, or a table on
// stdout.
//
//	var expensive = cprofile.Func("expensive_function.prof", expensiveFunction)
//
//	func anotherFunction() {
//		defer profctx.Start("another_function.prof")()
//		...
//	}
//
// # Which package to import
//
//   - [github.com/profscope/profscope/cprofile] wraps a function (Func), makes
//     a handle for hot functions (New), and owns the options, the errors and
//     the numbers (Stats). Start here.
//   - [github.com/profscope/profscope/context] profiles a block (Start), one
//     request (With), and lets a worker goroutine take part in it (Join).
//   - [github.com/profscope/profscope/httpprofile] records a running server from
//     outside, by HTTP: the whole process, or its requests.
//
// Programs to copy from are in examples/, one folder each; bench/ measures
// what all this costs, beside the other profilers of Go.
//
// # Words
//
//   - A scope is what one Start .. stop() or one call of a wrapped function
//     covers; many scopes are open at once and know nothing of each other.
//   - A member is a goroutine whose time counts for a scope: the one that
//     opened it (role self), those that members created meanwhile (spawned),
//     and those that joined (joined).
//   - A call is one Start .. stop(). Calls nested in each other on one
//     goroutine make one outermost call, whose time counts once.
//   - A destination is a file, or stdout. Its scopes add up.
//   - A span is the time that one member spent in one state (running,
//     runnable, blocked, syscall) at one stack, without a break.
//   - A ledger is the spans of one destination, summed.
//   - The recording is the runtime's execution trace, one for the process,
//     shared by all open scopes.
//
// What holds throughout: for every member, the times of its states and an
// explicit unknown add up to its time inside the scope, in equal nanoseconds.
//
// # From the recording to the file
//
// Each room does one thing and knows nothing of the rooms above it:
//
//	internal/session   starts and ends the recording; the only process-wide state
//	internal/report    leads trace, ledger, encoder and file together
//	internal/wire      bytes of the running program's trace -> events of goroutines
//	internal/attrib    events -> spans: members, booking, stacks
//	internal/gotrace   trace files of any version -> the same events, reports
//	internal/importer  files of other tools -> profiles, reports and timelines
//	internal/page      a profile as one HTML page
//	internal/convert   any file -> what it is, and any other format
//	internal/ledger    the nouns: state, role, stack, span, book, ledger
//	internal/format    ledger and spans -> bytes, one format a file
//	internal/dest      bytes -> a file that is whole or untouched, or stdout
//	internal/launch    programs of strangers: started, recorded, steered from outside
//
// Which room may import which, and which may link a heavy dependency, is a
// table with reasons in arrows_test.go; a test holds it.
//
// # Where to look
//
//   - how to read a table or a profile, and what the numbers cannot say: README.md
//   - what is done when something else holds the tracer: README.md, and
//     internal/session
//   - which goroutine's time counts, and how: internal/attrib
//   - what a file guarantees at a crash: internal/dest
//   - the layout of the pprof profile and of the table: internal/format
//   - how to add a format, a source or a state: CONTRIBUTING.md
package profscope
