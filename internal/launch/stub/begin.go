//go:build unix

package stub

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// atEnd is set by what only the standard library may do: to call finish
// however the program ends.
var atEnd func(r *recorder)

func init() {
	parts := strings.SplitN(variable(), ";", 4)
	if len(parts) != 4 || parts[0] != Version {
		return
	}
	flags := "," + parts[1] + ","
	has := func(f string) bool { return strings.Contains(flags, ","+f+",") }
	taken := FlagTaken + strconv.Itoa(os.Getpid())
	switch {
	case atEnd == nil && has(taken):
		return
	case !has(FlagChildren):
		// The program and its children see the environment as the user's.
		syscall.Unsetenv(Variable)
	case atEnd != nil:
		// Of two copies in one program the standard library's is the better.
		parts[1] += "," + taken
		syscall.Setenv(Variable, strings.Join(parts, ";"))
	}
	l, err := dial(parts[3])
	if err != nil {
		return // the launcher tells that nobody came
	}
	r := &recorder{link: l, samples: has(FlagSamples)}
	if parts[2] != "" {
		r.modes = strings.Split(parts[2], "+")
	}
	if r.has("mem") || r.has("allocs") {
		runtime.MemProfileRate = 4096 // pkg/profile's
	}
	l.put(KindHello, []byte(hello()))
	go l.send()
	go r.tick()
	if atEnd != nil {
		atEnd(r)
	}
	if has(FlagStart) {
		r.start()
	}
	go r.obey() // now: a stop that has come already is of this recording
}

func hello() string {
	complete := "no"
	if atEnd != nil {
		complete = "yes"
	}
	name := ""
	if len(os.Args) > 0 {
		name = os.Args[0]
	}
	return "pid=" + strconv.Itoa(os.Getpid()) + "\nppid=" + strconv.Itoa(os.Getppid()) +
		"\ngo=" + runtime.Version() + "\nprogram=" + name + "\nend=" + complete + "\n"
}
