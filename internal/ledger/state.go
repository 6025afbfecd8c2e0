// Package ledger holds the nouns that every other part of profscope speaks:
// states, roles, stacks, spans, books and ledgers.
//
// It is a leaf. It knows neither where spans come from (a Go trace, a foreign
// profile) nor what becomes of them (pprof, a table), and it takes no
// decision for either side. Nothing in it is safe for concurrent use; the
// owner of a [Stacks] and of the books made with it holds one lock for all.
package ledger

// State is what a goroutine was doing during a span.
type State uint8

const (
	// Running holds a P. It is more than CPU time where the operating system
	// gives the goroutine's thread no core.
	Running State = iota
	// Runnable waits for a P, preempted goroutines included.
	Runnable
	// Blocked waits for something else; the reason says for what.
	Blocked
	// Syscall is inside a system call or a cgo call.
	Syscall
	// Unknown is time inside a scope of which the recording tells nothing:
	// the price of a gap is stated, never shared out.
	Unknown

	// NumStates is the number of states.
	NumStates = int(Unknown) + 1
)

var stateNames = [NumStates]string{"running", "runnable", "blocked", "syscall", "unknown"}

// String returns the state's name as it stands in labels and tables.
func (s State) String() string { return stateNames[s] }

// Role tells why a goroutine's time counts for a scope. The order is the
// precedence: where a goroutine is a member for several reasons, the lowest
// role takes the time.
type Role uint8

const (
	// Self is the goroutine that opened the scope.
	Self Role = iota
	// Joined is a goroutine that takes part by context.Join.
	Joined
	// Spawned was created by a member while the scope was open.
	Spawned
	// Process is any goroutine of the process: the fallback without a trace
	// samples them all and cannot tell whose they are.
	Process

	// NumRoles is the number of roles.
	NumRoles = int(Process) + 1
)

var roleNames = [NumRoles]string{"self", "joined", "spawned", "process"}

// String returns the role's name as it stands in labels and tables.
func (r Role) String() string { return roleNames[r] }
