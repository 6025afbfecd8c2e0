package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/profscope/profscope/internal/launch"
)

// sessionFlags are those of all verbs below sessions.
type sessionFlags struct {
	name   string
	all    bool
	format string
	output string
}

func (a *app) sessions() *cobra.Command {
	var f sessionFlags
	c := &cobra.Command{
		Use:   "sessions VERB",
		Short: "List and steer what profscope profile is recording: list, status, start, stop, cancel, snapshot",
		Long: `List and steer what profscope profile is recording.

A session is one run of profscope profile, named profile-PID after its program
unless --session-new named it. Without --session the only one is meant. stop and
snapshot return when the file is durable; its absolute path is the last line of
standard output. A second stop returns the same path again.

As in nsys, -o is the format of what is printed (-o json), and not a file.`,
		Example: "  profscope sessions list\n  profscope sessions stop --session=profile-12345",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	for _, v := range []struct {
		use, short string
		run        func(sessionFlags) error
	}{
		{"list", "the sessions that run", a.listSessions},
		{"status", "processes, what they record, and files", a.showSessions},
		{"start", "begin a recording where none runs", a.startSessions},
		{"stop", "end the recordings and print their files", a.eachSession(launch.Session.Stop, "nothing was recorded")},
		{"cancel", "end the recordings and drop them", a.cancelSessions},
		{"snapshot", "write what there is so far, and go on", a.eachSession(launch.Session.Snapshot, "nothing is recording")},
	} {
		sub := &cobra.Command{
			Use: v.use, Short: v.short, Example: "  profscope sessions " + v.use,
			Args: noArgs,
			RunE: func(*cobra.Command, []string) error {
				if f.format != "text" && f.format != "json" {
					return usagef("-o %s: it is the format here, text or json; the file of a recording is told by sessions start --output", f.format)
				}
				atOnce()
				return v.run(f)
			},
		}
		fl := sub.Flags()
		fl.StringVarP(&f.format, "format", "o", "text", "format of what is printed, text or json; no file, -o being nsys' name of it")
		if v.use != "list" {
			fl.StringVar(&f.name, "session", "", "the session's name (default: the only one)")
			fl.BoolVar(&f.all, "all", false, "all sessions")
		}
		if v.use == "start" {
			fl.StringVar(&f.output, "output", "", "file of this recording (default: the session's)")
		}
		c.AddCommand(sub)
	}
	return c
}

func (a *app) listSessions(f sessionFlags) error {
	ss, err := launch.Sessions()
	if err != nil {
		return err
	}
	all := launch.Statuses(ss)
	if f.format == "json" {
		return a.json(all)
	}
	if len(all) == 0 {
		fmt.Fprintln(a.stderr, "profscope: there is no session")
		return nil
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "session\tstate\tprocesses\tprogram")
	for _, st := range all {
		if st.State == launch.Silent {
			fmt.Fprintf(w, "%s\t%s\t-\t-\n", shown(st.Name), st.State)
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", shown(st.Name), st.State, len(st.Processes), shown(st.Program))
	}
	return w.Flush()
}

func (a *app) showSessions(f sessionFlags) error {
	ss, err := launch.Find(f.name, f.all)
	if err != nil {
		return err
	}
	all := launch.Statuses(ss)
	if f.format == "json" {
		return a.json(all)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, st := range all {
		if st.State == launch.Silent {
			fmt.Fprintf(w, "%s\t%s\n", shown(st.Name), st.State)
			continue
		}
		fmt.Fprintf(w, "%s\t%s\toutput %s\n", shown(st.Name), st.State, shown(st.Output))
		for _, p := range st.Processes {
			since := ""
			if p.Since != nil {
				since = fmt.Sprintf("for %v, %s of trace", time.Duration(p.Elapsed).Round(100*time.Millisecond), byteSize(p.Bytes))
			}
			fmt.Fprintf(w, "  process %d\t%s\t%s\t%s\n", p.PID, p.State, shown(p.Program), since)
		}
		for _, f := range st.Files {
			fmt.Fprintf(w, "  file\twritten\t%s\t%s\n", shown(f.Path), byteSize(f.Bytes))
		}
	}
	return w.Flush()
}

func (a *app) startSessions(f sessionFlags) error {
	return a.every(f, func(s launch.Session) (any, error) {
		n, err := s.Start(f.output)
		switch {
		case err != nil:
		case n == 0 && f.output != "":
			// A second start changes nothing, but this one asked for a file.
			err = fmt.Errorf("session %s: it is recording already, and not into %s: profscope sessions stop ends that", s.Name, f.output)
		case n == 0 && f.format == "text":
			fmt.Fprintf(a.stdout, "%s: is recording already\n", shown(s.Name))
		case f.format == "text":
			fmt.Fprintf(a.stdout, "%s: %d started\n", shown(s.Name), n)
		}
		return map[string]any{"name": s.Name, "started": n}, err
	})
}

func (a *app) cancelSessions(f sessionFlags) error {
	return a.every(f, func(s launch.Session) (any, error) {
		err := s.Cancel()
		if err == nil && f.format == "text" {
			fmt.Fprintf(a.stdout, "%s: canceled\n", shown(s.Name))
		}
		return map[string]any{"name": s.Name, "state": "idle"}, err
	})
}

// eachSession is a verb that gives files.
func (a *app) eachSession(do func(launch.Session) ([]launch.Written, error), nothing string) func(sessionFlags) error {
	return func(f sessionFlags) error {
		return a.every(f, func(s launch.Session) (any, error) {
			files, err := do(s)
			a.tellLosses(files)
			if f.format == "text" {
				for _, w := range slices.Backward(files) { // the recording's own file is the last line
					fmt.Fprintln(a.stdout, w.Path)
				}
				if len(files) == 0 && err == nil {
					fmt.Fprintf(a.stderr, "profscope: session %s: %s\n", shown(s.Name), nothing)
				}
			}
			return map[string]any{"name": s.Name, "files": files}, err
		})
	}
}

// every does it for the sessions meant; the failure of one does not keep it
// from the others.
func (a *app) every(f sessionFlags, do func(launch.Session) (any, error)) error {
	ss, err := launch.Find(f.name, f.all)
	if err != nil {
		return err
	}
	out := []any{}
	var errs []error
	for _, s := range ss {
		v, err := do(s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, v)
	}
	if f.format == "json" {
		errs = append(errs, a.json(out))
	}
	if err := errors.Join(errs...); err != nil {
		return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

func (a *app) json(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
