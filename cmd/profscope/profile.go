package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/profscope/profscope/internal/dest"
	"github.com/profscope/profscope/internal/launch"
)

func (a *app) profile() *cobra.Command {
	o := launch.Options{WaitAll: true, Kill: "sigterm"}
	var (
		sample, wait string
		stopOnExit   = true
	)
	c := &cobra.Command{
		Use:   "profile [flags] COMMAND [ARGS...]",
		Short: "Run a program that never heard of profscope, and record it",
		Long: `Run a program that never heard of profscope, and record it.

COMMAND is go run, go test or go build with whatever belongs to it, or a binary
that such a go build made. The program is built with a recorder in; its sources,
go.mod, vendor folder and language version stay as they are, and so do its
output, its exit code, its environment and what signals do to it. The recorder
streams the execution trace to this process, which does the analysis.

The flags are those of nsys profile. Seconds may have fractions or units (1.5,
300ms). In names %p is the process id, %h the host, %r the rank, %n the lowest
number that is free. While the program runs, profscope sessions shows and
steers the recording.`,
		Example: "  profscope profile -o server.prof --duration 30 go run ./cmd/server -port 8080\n  profscope profile --stats=true go test ./...",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch sample {
			case "none":
				o.NoSample = true
			case "process-tree", "system-wide", "":
			default:
				return usagef("--sample %s: none leaves the CPU profiler alone; process-tree is the default", sample)
			}
			switch wait {
			case "all", "primary":
				o.WaitAll = wait == "all"
			default:
				return usagef("--wait %s: there are all and primary", wait)
			}
			if !stopOnExit {
				fmt.Fprintln(a.stderr, "profscope: --stop-on-exit=false: a recording ends with its program all the same")
			}
			c.Flags().Visit(func(f *pflag.Flag) {
				if slices.Contains(idle, f.Name) {
					fmt.Fprintf(a.stderr, "profscope: --%s has no meaning for Go programs\n", f.Name)
				}
			})
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("which program is this: %w", err)
			}
			o.Self = self
			if o.Output != "" {
				a.ending(o.Output)
			}
			o.Stdin, o.Stdout, o.Stderr, o.Say = a.stdin, a.stdout, a.stderr, a.stderr
			return a.launch(c, args, o)
		},
	}
	f := c.Flags()
	f.SetInterspersed(false)
	f.StringVarP(&o.Output, "output", "o", "", "file; its ending is the format (default "+launch.DefaultOutput+")")
	f.BoolVarP(&o.Force, "force-overwrite", "f", false, "replace a file that exists")
	f.VarP((*seconds)(&o.Delay), "delay", "y", "begin so long after the program's start")
	f.VarP((*seconds)(&o.Duration), "duration", "d", "end so long after the recording's begin, and the program too")
	f.StringVar(&o.Kill, "kill", "sigterm", "what ends the program after --duration: sigterm, sigkill or none")
	f.StringVarP(&o.Range, "capture-range", "c", "none", "none; signal: SIGUSR1 to this process begins and ends; scope:NAME: only the task or region of that name, or the scope of that file, as the program writes it or its last part")
	f.BoolVar(&o.Children, "trace-fork-before-exec", false, "programs that this one starts record too, a file each")
	f.StringVar(&wait, "wait", "all", "until all recorded programs have ended, or the primary one")
	f.StringVar(&o.Session, "session-new", "", "name of the session (default profile-PID)")
	f.BoolVar(&o.Tables, "stats", false, "print tables at the end")
	f.BoolVarP(&stopOnExit, "stop-on-exit", "x", true, "end with the program")
	f.StringSliceVarP(&o.Env, "env-var", "e", nil, "more of the program's environment: A=B,C=D")
	f.StringVarP(&sample, "sample", "s", "process-tree", "none leaves the CPU profiler to the program")
	f.StringSliceVar(&o.Modes, "mode", nil, "profiles of the runtime beside ours, each in a file of its own: "+strings.Join(launch.Modes, ", "))
	for _, name := range idle {
		f.String(name, "", "")
		if err := f.MarkHidden(name); err != nil {
			panic(err) // the flag stands a line above
		}
	}
	return c
}

// launch runs the command and tells what became of it.
func (a *app) launch(c *cobra.Command, args []string, o launch.Options) error {
	// The interrupt may have been the program's, or meant for it: it takes one
	// more to give up what was recorded.
	o.Ended = func() { onceMore(c.Context()) }
	res, err := launch.Run(c.Context(), args, o)
	var u *launch.UsageError
	if errors.As(err, &u) {
		return usageError{u.Err}
	}
	for _, f := range res.Files {
		if dest.Identity(f.Path) == "" { // a device has no size
			a.wrote(f.Path, "")
			continue
		}
		a.wrote(f.Path, ", "+byteSize(f.Bytes))
	}
	a.tellLosses(res.Files)
	if err != nil {
		fmt.Fprintln(a.stderr, "profscope:", strings.ReplaceAll(strings.ReplaceAll(err.Error(), "profscope: ", ""), "\n", "\nprofscope: "))
	}
	code := res.Code
	if code == 0 && err != nil {
		code = exitFailed
	}
	var statsErr error
	if o.Tables {
		// The interrupt that ended the program does not end these.
		statsErr = a.launchStats(spent(c.Context()), res.Files)
	}
	if code == 0 {
		return statsErr
	}
	if statsErr != nil {
		complain(a.stderr, statsErr)
	}
	return exitCode(code)
}

// tellLosses says which files have less than the time that was recorded: nobody
// sees that in the numbers.
func (a *app) tellLosses(files []launch.Written) {
	for _, f := range files {
		for _, s := range f.Losses {
			fmt.Fprintf(a.stderr, "profscope: %s: %s\n", shown(f.Path), s)
		}
	}
}

// wrote tells of a file that is there now, and how to look at it; more is what else
// is known of it.
func (a *app) wrote(name, more string) {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		fmt.Fprintf(a.stderr, "profscope: wrote to %s%s\n", shown(name), more) // there is no looking at a device
		return
	}
	fmt.Fprintf(a.stderr, "profscope: wrote %s%s: %s\n", shown(name), more, lookAt(name))
}

// lookAt is the command that shows a file.
func lookAt(name string) string {
	switch {
	case strings.HasSuffix(name, ".trace"):
		return "go tool trace " + shown(name)
	case strings.HasSuffix(name, ".txt"), strings.HasSuffix(name, ".folded"):
		return "less " + shown(name)
	case strings.HasSuffix(name, ".pftrace"), strings.HasSuffix(name, ".json"), strings.HasSuffix(name, ".json.gz"):
		return "open it in ui.perfetto.dev"
	case strings.HasSuffix(name, ".html"):
		return "open it in a browser"
	}
	return "go tool pprof -http=: " + shown(name)
}

func byteSize(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// handoff is the hidden verb of go run -exec.
func (a *app) handoff() *cobra.Command {
	return &cobra.Command{
		Use: launch.HandoffVerb, Hidden: true, DisableFlagParsing: true, Args: cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return launch.Handoff(args[0], args[1:]) },
	}
}
