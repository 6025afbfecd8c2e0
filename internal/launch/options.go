package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/profscope/profscope/internal/launch/stub"
)

var pid = os.Getpid()

// Modes are the whole-program profiles of the runtime, by pkg/profile's names.
var Modes = []string{"cpu", "mem", "allocs", "mutex", "block", "goroutine", "threads"}

// Options are those of one run. The zero value records all of it.
type Options struct {
	Output   string        // pattern; "" is DefaultOutput
	Force    bool          // replace files
	Delay    time.Duration // from the program's start
	Duration time.Duration // 0: to the program's end
	Kill     string        // after Duration: sigterm, sigkill or none
	Range    string        // none, signal or scope:NAME
	Children bool          // programs that the program starts, too
	WaitAll  bool          // until all of them have ended
	Session  string        // "": profile-<pid of the program>
	Modes    []string
	NoSample bool     // leave the CPU profiler alone
	Env      []string // more of the program's environment
	Tables   bool     // Written.Reports is wanted

	Stdin          io.Reader
	Stdout, Stderr io.Writer // of the program
	Say            io.Writer // our own lines
	Self           string    // this program, for go run -exec
	Ended          func()    // called when the program has ended, and its recordings are to be written; may be nil
}

// analyses tells whether the trace is read while it comes in.
func (o *Options) analyses() bool { return !inPieces(o.Output) }

func (o *Options) check() error {
	if o.Output == "" {
		o.Output = DefaultOutput
	}
	if o.Output == "-" {
		return errors.New("-o -: standard output is the program's")
	}
	for _, m := range o.Modes {
		if !slices.Contains(Modes, m) {
			return fmt.Errorf("--mode %s: there are %s", m, strings.Join(Modes, ", "))
		}
	}
	if o.NoSample && slices.Contains(o.Modes, "cpu") {
		return fmt.Errorf("--mode cpu needs the samples that --sample=none forgoes")
	}
	if r := o.Range; r != "" && r != "none" && r != "signal" && o.scope() == "" {
		return fmt.Errorf("--capture-range %s: there are none, signal and scope:NAME", r)
	}
	if k := o.Kill; k != "" && k != "none" && k != "sigterm" && k != "sigkill" {
		return fmt.Errorf("--kill %s: there are none, sigterm and sigkill", k)
	}
	if o.Session != "" && (filepath.Base(o.Session) != o.Session || o.Session[0] == '.') {
		return fmt.Errorf("session name %q: it becomes a file name, without slashes and no dot first", o.Session)
	}
	if strings.ContainsFunc(o.Session, unicode.IsControl) || !utf8.ValidString(o.Session) {
		return fmt.Errorf("session name %q: terminals show it, and must not be spoken to by it", o.Session)
	}
	for _, e := range o.Env {
		if k, _, ok := strings.Cut(e, "="); !ok || k == "" {
			return fmt.Errorf("--env-var %q: it is as A=B,C=D", e)
		}
	}
	return checkOutput(o)
}

// variable is what the recorder is told by the environment.
func (o *Options) variable(socket string) string {
	var flags []string
	if o.Delay <= 0 && o.Range != "signal" {
		flags = append(flags, stub.FlagStart)
	}
	if !o.NoSample {
		flags = append(flags, stub.FlagSamples)
	}
	if o.Children {
		flags = append(flags, stub.FlagChildren)
	}
	return stub.Variable + "=" + strings.Join([]string{stub.Version, strings.Join(flags, ","), strings.Join(o.Modes, "+"), socket}, ";")
}

// unbegun tells why a program that has ended may not have been recorded, "" if
// it was from its start on.
func (o *Options) unbegun() string {
	var why []string
	if o.Range == "signal" {
		why = append(why, "no SIGUSR1 came to this process to begin a recording")
	}
	if o.Delay > 0 {
		why = append(why, fmt.Sprintf("the program ended before the delay of %v was over", o.Delay))
	}
	return strings.Join(why, ", and ")
}
