// Profscope looks at what profilers leave behind: profiles of this module and
// of every other pprof producer, Go execution traces, folded stacks, V8's and
// Python's CPU profiles. It shows them, counts them, compares them and turns
// one into another. `profscope -h` lists the verbs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitEnded  = 130 // by one of endings, before it was done
)

// endings are the signals that end a verb, as far as it lets them. A terminal that
// goes, with an ssh connection maybe, is one, unless nohup said that it is none.
var endings = func() []os.Signal {
	s := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		s = append(s, syscall.SIGHUP)
	}
	return s
}()

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), endings...)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// app is what the verbs share: where they read and write.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	self           string // --profile-self
	// until is when an interrupt ends what is written. It is nil for verbs that
	// write because of the interrupt.
	until  context.Context
	inputs []string // files that are read, none of which may be written over
}

// usageError is a mistake in the command line, which exits with 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run is the whole program.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(nsysBools(root, args))
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	completion(root)
	err := root.ExecuteContext(ctx)
	var code exitCode
	switch {
	case errors.As(err, &code):
		return int(code)
	case err == nil:
		return exitOK
	case errors.Is(err, errDiffers):
		return exitFailed
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		if a.until != nil {
			err = errors.New("interrupted") // in no file, at nothing that matters
		}
		fmt.Fprintln(stderr, "profscope:", err)
		return exitEnded
	}
	complain(stderr, err)
	var u usageError
	if errors.As(err, &u) {
		fmt.Fprintln(stderr, "profscope -h and profscope VERB -h tell how it is used.")
		return exitUsage
	}
	return exitFailed
}

func complain(stderr io.Writer, err error) {
	fmt.Fprintln(stderr, "profscope:", strings.TrimPrefix(err.Error(), "profscope: "))
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "profscope VERB",
		Short:         "Show, count, compare and convert profiles and traces",
		Example:       "  profscope stats server.trace\n  profscope view cpu.prof",
		Version:       versionLine(),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noVerb(args)
			}
			return c.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print the version")
	root.PersistentFlags().StringVar(&a.self, "profile-self", "", "profile this tool itself into the working folder: cpu, mem, mutex, block or trace")
	for _, verb := range []func() *cobra.Command{a.view, a.convert, a.stats, a.top, a.diff, a.info, a.version, a.profile, a.sessions, a.attach, a.handoff} {
		c := verb()
		a.profiled(c)
		check := c.Args
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				if strings.HasPrefix(err.Error(), "requires at least") || strings.HasPrefix(err.Error(), "accepts ") {
					err = fmt.Errorf("%s takes %s, and was given %d of them", c.Name(), strings.TrimPrefix(c.Use, c.Name()+" "), len(args))
				}
				return usageError{err}
			}
			return nil
		}
		root.AddCommand(c)
	}
	root.SetHelpCommand(help())
	completeValues(root)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	return root
}

// profiled lets --profile-self profile the verb, and those below it.
func (a *app) profiled(c *cobra.Command) {
	inner := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		stop, err := a.profileSelf()
		if err != nil {
			return err
		}
		defer stop()
		return inner(c, args)
	}
	for _, sub := range c.Commands() {
		a.profiled(sub)
	}
}

// noVerb is the error for words after profscope that are no verb of it.
func noVerb(words []string) error {
	return usagef("there is no verb %q", strings.Join(words, " "))
}

// noArgs is cobra's NoArgs, in our words.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return noVerb(append(strings.Fields(c.CommandPath())[1:], args...))
}

// help is cobra's verb of that name, but that a verb which there is not is an
// error, as it is without help before it.
func help() *cobra.Command {
	return &cobra.Command{
		Use:     "help [VERB]",
		Short:   "Help about a verb",
		Example: "  profscope help sessions stop",
		RunE: func(c *cobra.Command, args []string) error {
			verb, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return noVerb(args)
			}
			verb.InitDefaultHelpFlag() // which execution adds to the verb that is executed
			return verb.Help()
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			above, rest, err := c.Root().Find(args)
			var names []string
			if err == nil && len(rest) == 0 {
				for _, verb := range above.Commands() {
					if verb.IsAvailableCommand() {
						names = append(names, verb.Name())
					}
				}
			}
			return listed(names, typed), cobra.ShellCompDirectiveNoFileComp
		},
	}
}
