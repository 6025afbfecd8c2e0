package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/dest"
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

// serverOutput is the name that the pattern stands for, of a file that can be
// written.
func serverOutput(pattern string, force bool) (string, error) {
	if pattern == "-" {
		return pattern, nil
	}
	vars := dest.ProcessVars()
	vars.Dir = "" // that of what the program itself writes
	here := vars.PID
	for call := int64(1); ; call++ {
		vars.PID = here
		name, err := dest.Expand(pattern, vars, call)
		if err != nil {
			return "", err
		}
		vars.PID++
		if other, _ := dest.Expand(pattern, vars, call); other != name {
			return "", fmt.Errorf("-o %s: %%p is a process id, and of a server at a URL nobody knows it", pattern)
		}
		err = launch.CheckFree(pattern, "--force-overwrite replaces it", name)
		if taken := errors.Is(err, launch.ErrTaken); taken && dest.PerCall(pattern) {
			continue
		} else if err != nil && !(taken && force) {
			return "", err
		}
		return name, dest.Probe(name)
	}
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

// listsProfiles tells an answer of httpprofile's from that of a server which has
// a page for every path: an object with the array profiles. It may be cut, for
// there is any number of them.
func listsProfiles(answer []byte) bool {
	d := json.NewDecoder(bytes.NewReader(answer))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return false
		}
		if name == "profiles" {
			t, err := d.Token()
			return err == nil && t == json.Delim('[')
		}
		if err := d.Decode(new(json.RawMessage)); err != nil {
			return false
		}
	}
	return false
}

// attachProfiles is for httpprofile. The stop is sent when the user has
// interrupted, too.
func (a *app) attachProfiles(ctx context.Context, at attachment) error {
	has := at.ending
	if has == ".html" { // it needs pprof's interface, which no server links for it
		has = ".prof"
	}
	body := fmt.Sprintf(`{"name":"attach-%d","format":%q}`, os.Getpid(), strings.TrimPrefix(has, "."))
	var begun, result struct {
		Path string `json:"path"`
	}
	if err := at.start(ctx, body, &begun); err != nil {
		return err
	}
	err := at.watch(ctx, fmt.Sprintf("/profiles/attach-%d", os.Getpid()))
	if err == nil {
		ctx = spent(ctx)
		err = at.must(ctx, http.MethodPost, "/stop_profile", body, &result)
	}
	var gone *url.Error // there was no answer, not even an error's
	switch {
	case errors.As(err, &gone) && ctx.Err() == nil:
		err = fmt.Errorf("the server went away (%v): the recording is lost with it", gone.Err)
	case err == nil && result.Path == "":
		err = at.unknown()
	}
	if err != nil {
		if begun.Path != "" {
			err = fmt.Errorf("%w; if anything remains of it, then on the server in %s", err, clean(filepath.Dir(begun.Path)))
		}
		return err
	}
	file, err := newSpool(at.room)
	if err != nil {
		return err
	}
	defer file.close()
	status, answer, err := at.fetch(ctx, "/profiles/"+filepath.Base(result.Path), file)
	if err == nil && status != http.StatusOK {
		err = at.refused("/profiles/"+filepath.Base(result.Path), status, answer)
	}
	if err != nil {
		return fmt.Errorf("the profile is on the server in %s: %w", clean(result.Path), err)
	}
	r, err := file.reader()
	if err == nil {
		err = convert.Verify(r, has)
	}
	if err != nil {
		return fmt.Errorf("%s/profiles/%s: %w: nothing is written", at.base, clean(filepath.Base(result.Path)), err)
	}
	return a.attached(at, file, has)
}

// pollEvery is short for who waits for a server that has gone, and long for the
// server, whose recording has the answers in it.
const pollEvery = 2 * time.Second

// watch is wait, for a recording that the server loses when it ends: it returns an
// error soon after. The server is asked for the recording's file, which it refuses
// while it records. Not to answer in time is no sign: it may be busy.
func (at attachment) watch(ctx context.Context, path string) error {
	enough, cancel := context.WithTimeout(ctx, at.duration)
	defer cancel()
	seen, failed := false, 0
	for {
		next := pollEvery
		if failed > 0 {
			next /= 4
		}
		if wait(enough, next); enough.Err() != nil {
			return nil
		}
		asking, cancel := context.WithTimeout(enough, at.patience)
		status, _, err := at.ask(asking, http.MethodGet, path, "", io.Discard)
		late := asking.Err() != nil
		cancel()
		switch {
		case late:
		case err != nil:
			if failed++; failed > 1 {
				return err
			}
			continue
		case status == http.StatusConflict:
			seen = true
		case status == http.StatusNotFound && seen:
			return at.unknown()
		}
		failed = 0
	}
}

func (at attachment) unknown() error {
	return fmt.Errorf("%s has no recording of ours any more: it was started anew, or somebody removed that", at.base)
}

// start begins the server's recording. An interrupt does not take that back, and
// the answer is waited for: only that tells whether there is something to be
// stopped. If none comes, the stop is sent all the same where recordings have
// names: to none of ours maybe, which does no harm. Where they have none it could
// end somebody else's.
func (at attachment) start(ctx context.Context, body string, answer any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	starting, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(at.patience, giveUp) })()
	err := at.must(starting, http.MethodPost, "/start_profile", body, answer)
	if starting.Err() == nil {
		return err
	}
	if body == "" {
		return fmt.Errorf("interrupted before the server had answered /start_profile: it may be recording, for us or, since before, for somebody else, and was not told to stop: POST %s/stop_profile does that", at.base)
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), at.patience)
	defer cancel()
	if err := at.must(stopping, http.MethodPost, "/stop_profile", body, nil); err != nil {
		return fmt.Errorf("interrupted before the server had answered /start_profile: it may be recording, and POST %s/stop_profile ends that, but gave: %w", at.base, err)
	}
	return errors.New("interrupted before the server had answered /start_profile: it was told to stop")
}

// attachFolder drives a server that leaves its files in a folder.
func (a *app) attachFolder(ctx context.Context, at attachment) error {
	before, err := folderTimes(at.dir)
	if err != nil {
		return err
	}
	if err := at.start(ctx, "", nil); err != nil {
		return err
	}
	wait(ctx, at.duration)
	if err := at.must(spent(ctx), http.MethodPost, "/stop_profile", "", nil); err != nil {
		return err
	}
	after, err := folderTimes(at.dir)
	if err != nil {
		return err
	}
	found := false
	for name, t := range after {
		if old, was := before[name]; !was || !old.Equal(t) {
			found = true
			fmt.Fprintln(a.stdout, name)
		}
	}
	if !found {
		return fmt.Errorf("%s: the server has left no file there: is it the folder of its own configuration?", at.dir)
	}
	return nil
}

func folderTimes(dir string) (map[string]time.Time, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	times := map[string]time.Time{}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			times[filepath.Join(dir, e.Name())] = info.ModTime()
		}
	}
	return times, nil
}

// attached writes what the server gave, which is of the ending has, in the
// format that was asked for.
func (a *app) attached(at attachment, got *spool, has string) error {
	r, err := got.reader()
	if err != nil {
		return err
	}
	encode := got.copyTo
	o := convert.Options{Stdin: r, StdinName: at.base, Ended: at.ended, Serving: handlers}
	switch {
	case has == at.ending:
		if at.ended != "" {
			fmt.Fprintf(a.stderr, "profscope: %s: %s: its last part is not whole, and go tool trace may refuse it\n", at.base, at.ended)
		}
	case convert.IsTimeline(at.ending):
		encode = func(w io.Writer) error {
			warnings, err := convert.DrawTimeline(w, []string{"-"}, at.ending, o)
			for _, s := range warnings {
				fmt.Fprintf(a.stderr, "profscope: %s\n", s)
			}
			return err
		}
	default:
		in, err := convert.Open("-", o)
		if err != nil {
			return err
		}
		for _, s := range in.Warnings {
			fmt.Fprintf(a.stderr, "profscope: %s: %s\n", at.base, s)
		}
		if n := in.LeaveOut(handlers...); n > 0 {
			in.Trace.Whole.Notes = append(in.Trace.Whole.Notes, served(n, in.NoStack()))
		}
		encode = func(w io.Writer) error {
			return convert.Write(w, []*convert.Input{in}, at.ending, convert.OutputOptions{})
		}
	}
	if dest.IsStdout(at.output) {
		return a.write(at.output, encode)
	}
	name, err := launch.Put(at.output, encode)
	if name != "" {
		a.wrote(name, "")
	}
	return err
}

// do asks the server.
func (at attachment) do(ctx context.Context, method, path, body string) (int, []byte, error) {
	return at.ask(ctx, method, path, body, nil)
}

// fetch asks for what may be of any size, and hands it on.
func (at attachment) fetch(ctx context.Context, path string, to io.Writer) (int, []byte, error) {
	return at.ask(ctx, http.MethodGet, path, "", to)
}

// maxAnswer bounds what a server says. More of it is not read.
const maxAnswer = 1 << 20

// ask returns the answer, up to maxAnswer, but one of status 200 goes to to, if
// there is one.
func (at attachment) ask(ctx context.Context, method, path, body string, to io.Writer) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, at.base+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if at.token != "" {
		req.Header.Set("Authorization", "Bearer "+at.token)
	}
	resp, err := cmp.Or(at.client, http.DefaultClient).Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	if to != nil && resp.StatusCode == http.StatusOK {
		if _, err = io.Copy(to, resp.Body); err != nil {
			err = fmt.Errorf("%s%s: %w", at.base, path, err)
		}
		return resp.StatusCode, nil, err
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, b, err
}

// must is do for what must succeed; the answer, if it is wanted, is JSON.
func (at attachment) must(ctx context.Context, method, path, body string, answer any) error {
	status, b, err := at.do(ctx, method, path, body)
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return at.refused(path, status, b)
	case answer == nil:
		return nil
	case len(b) == maxAnswer:
		return fmt.Errorf("%s%s: the answer has %d bytes and more: this is no server that we know", at.base, path, maxAnswer)
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("%s%s: the answer: %w", at.base, path, err)
	}
	return nil
}

// refused is the error for an answer that is none: whole, where the server says
// in JSON what it is about.
func (at attachment) refused(path string, status int, answer []byte) error {
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(answer, &said) != nil || said.Error == "" {
		said.Error = fmt.Sprintf("%.200s", bytes.TrimSpace(answer))
	}
	return fmt.Errorf("%s%s: status %d: %s", at.base, path, status, clean(strings.TrimPrefix(said.Error, "profscope: ")))
}
