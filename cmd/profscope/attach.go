package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/profscope/profscope/internal/launch"
)

// attachment is what attach was asked for.
type attachment struct {
	base     string // of the server's URL
	output   string
	ending   string // of it, which is its format
	force    bool   // replace a file that is there
	dir      string // where the server leaves its profiles, if we see that folder
	duration time.Duration
	token    string
	room     int64         // bytes of what is fetched
	patience time.Duration // with a server whose answer was ended by an interrupt
	client   *http.Client  // nil is the default one
	ended    string        // why what the server sent ends too early, "" if it does not
}

func (a *app) attach() *cobra.Command {
	at := attachment{duration: 10 * time.Second, token: os.Getenv("PROFSCOPE_TOKEN"), room: maxSpool, patience: 10 * time.Second}
	c := &cobra.Command{
		Use:   "attach URL|PID",
		Short: "Record a server that runs",
		Long: `Record a server that runs.

URL is a server's, which may end in /debug/pprof: one with httpprofile or with
net/http/pprof, of which the execution trace and the CPU profile are taken at once and made into
one profile. With --dir, it is one that has /start_profile and /stop_profile
and leaves files in that folder, as vLLM does. PID is a program that runs under
profscope profile and is not being recorded. An interrupt ends the recording
early, and writes it. A proxy before a net/http/pprof may keep it from bringing
the last second or two: then that is said. What net/http/pprof has not sent ten
seconds after --duration is not waited for, and of 2 GiB, or of half of what is
free in the folder of temporary files, no more is taken: what had arrived is
written, and the exit code is 1.

$PROFSCOPE_TOKEN is sent as the bearer token.`,
		Example: "  profscope attach -o server.prof --duration 30 http://localhost:8080",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			onceMore(c.Context())
			if pid, err := strconv.Atoi(args[0]); err == nil && pid > 0 {
				if err := launch.CheckPlace(at.output); err != nil {
					return usageError{err}
				}
				a.ending(at.output)
				return a.attachSession(c.Context(), pid, at)
			}
			base, err := serverRoot(args[0])
			if err != nil {
				return usageError{err}
			}
			if at.dir == "" {
				if at.output, err = serverOutput(at.output, at.force); err != nil {
					return usageError{err}
				}
			}
			at.ending = a.ending(at.output)
			at.base = base
			return a.attachServer(c.Context(), at)
		},
	}
	f := c.Flags()
	f.StringVarP(&at.output, "output", "o", "attach.prof", "file; its ending is the format, and % in it what profscope profile makes of it: %h is the host, %n the lowest number that is free, %% a percent sign")
	f.BoolVarP(&at.force, "force-overwrite", "f", false, "replace a file that exists (of a PID its profscope profile decides)")
	f.VarP((*seconds)(&at.duration), "duration", "d", "seconds to record")
	f.StringVar(&at.dir, "dir", "", "folder in which the server leaves its profiles")
	return c
}

// serverRoot is the address below which a server's paths are. That of a page of
// net/http/pprof, as a browser has it, stands for its server.
func serverRoot(s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("%q is neither a URL (http://...) nor a process id", s)
	case u.Hostname() == "":
		return "", fmt.Errorf("%q names no host", s)
	}
	const pages = "/debug/pprof"
	if before, after, found := strings.Cut(u.Path, pages); found && (after == "" || after[0] == '/') {
		u.Path, u.RawPath, u.RawQuery = before, "", ""
	}
	if u.RawQuery != "" {
		return "", fmt.Errorf("%q has a query: the server's own address is wanted", s)
	}
	u.Fragment = ""
	return strings.TrimSuffix(u.String(), "/"), nil
}

// attachSession records a program under profscope profile.
func (a *app) attachSession(ctx context.Context, pid int, at attachment) error {
	s, err := launch.FindProcess(pid)
	if err != nil {
		return err
	}
	switch n, err := s.Start(at.output); {
	case err != nil:
		return err
	case n == 0:
		return fmt.Errorf("process %d is being recorded already: profscope sessions snapshot --session=%s writes what there is, stop ends it", pid, s.Name)
	}
	wait(ctx, at.duration)
	files, err := s.Stop()
	a.tellLosses(files)
	for _, f := range files {
		fmt.Fprintln(a.stdout, f.Path)
	}
	return err
}

// wait returns after d, or when the user has had enough.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// spent returns the context for what ends a recording. An interrupt that has
// ended the wait for it has done its work; one that comes later ends this.
func spent(ctx context.Context) context.Context {
	if ctx.Err() != nil {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// answerWait is how long the first answer of a server may take, however busy it is.
const answerWait = 30 * time.Second

var errNoAnswer = errors.New("the server has not answered")

// attachServer finds out what the server offers.
func (a *app) attachServer(ctx context.Context, at attachment) error {
	if at.dir != "" {
		return a.attachFolder(ctx, at)
	}
	at.client = oneRequest() // one that is kept open would be in the recording, as a goroutine that waits
	asking, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	switch status, answer, err := at.do(asking, http.MethodGet, "/profiles", ""); {
	case err != nil && asking.Err() != nil && ctx.Err() == nil:
		return fmt.Errorf("%s/profiles: %w within %v", at.base, errNoAnswer, answerWait)
	case err != nil:
		return err
	case status == http.StatusOK && listsProfiles(answer):
		return a.attachProfiles(ctx, at)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fmt.Errorf("%s/profiles: status %d: PROFSCOPE_TOKEN must hold the server's token", at.base, status)
	}
	return a.attachPprof(ctx, at)
}
