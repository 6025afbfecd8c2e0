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
	flags := strings.Split(parts[1], ",")
	if mark := flags[len(flags)-1]; strings.HasPrefix(mark, FlagTaken) {
		if atEnd == nil && isOurs(mark) {
			return
		}
		flags = flags[:len(flags)-1] // of a program that has started this one
	}
	has := func(f string) bool { return strings.Contains(","+strings.Join(flags, ",")+",", ","+f+",") }
	l, err := dial(parts[3])
	switch {
	case !has(FlagChildren):
		// The program and its children see the environment as the user's.
		syscall.Unsetenv(Variable)
	case atEnd != nil:
		// Of two copies in one program the standard library's is the better.
		if err == nil {
			flags = append(flags, l.mark())
		}
		parts[1] = strings.Join(flags, ",")
		syscall.Setenv(Variable, strings.Join(parts, ";"))
	}
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
	if atEnd != nil {
		atEnd(r)
	}
	if has(FlagStart) {
		r.start()
	}
	go r.obey() // now: a stop that has come already is of this recording
}

func hello() string {
	name := ""
	if len(os.Args) > 0 {
		name = os.Args[0]
	}
	return "pid=" + strconv.Itoa(os.Getpid()) + "\nprogram=" + name + "\n"
}
