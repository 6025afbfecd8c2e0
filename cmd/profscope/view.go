package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"time"

	"github.com/google/pprof/driver"
	"github.com/google/pprof/profile"
	"github.com/spf13/cobra"

	"github.com/profscope/profscope/internal/convert"
)

func (a *app) view() *cobra.Command {
	var (
		in        convert.Options
		addr      string
		noBrowser bool
	)
	c := &cobra.Command{
		Use:     "view FILE...",
		Short:   "Open files in the browser, in pprof's own web interface; several are merged",
		Example: "  profscope view cpu.prof",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ins, err := a.open(c.Context(), args, in)
			if err != nil {
				return err
			}
			p, err := convert.Merged(ins)
			if err != nil {
				return err
			}
			return a.serve(c.Context(), p, addr, !noBrowser)
		},
	}
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:0", "address to listen on; port 0 takes a free one")
	c.Flags().BoolVar(&noBrowser, "no-browser", false, "only say the address")
	windowFlags(c, &in)
	return c
}

// serve shows p until ctx ends. pprof's driver makes the pages; the server is
// ours, so that it listens where it is told and ends when it is told.
func (a *app) serve(ctx context.Context, p *profile.Profile, addr string, browser bool) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return usagef("--addr: %w", err)
	}
	defer l.Close()
	pages := make(chan map[string]http.Handler, 1)
	err = driver.PProf(&driver.Options{
		Flagset: &driverFlags{FlagSet: flag.NewFlagSet("pprof", flag.ContinueOnError), args: []string{"-http=localhost:0", "-no_browser", "-symbolize=none", "profile"}},
		Fetch:   fetched{p},
		UI:      silent{},
		HTTPServer: func(args *driver.HTTPServerArgs) error {
			pages <- args.Handlers
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("pprof cannot show this profile: %w", err)
	}
	mux := http.NewServeMux()
	for path, h := range <-pages {
		mux.Handle(path, h)
	}
	url := "http://" + l.Addr().String()
	fmt.Fprintf(a.stdout, "%s (Ctrl-C ends)\n", url)
	if browser {
		if err := openBrowser(url); err != nil {
			fmt.Fprintf(a.stderr, "profscope: no browser could be opened (%v): open the address yourself\n", err)
		}
	}
	s := &http.Server{Handler: ownHost(l.Addr(), mux), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		_ = s.Close()
		return nil
	}
}

// ownHost refuses requests for another host than the one listened on: a page
// somewhere whose name is made to lead here could otherwise read the profile
// (DNS rebinding).
func ownHost(addr net.Addr, next http.Handler) http.Handler {
	listen, port, _ := net.SplitHostPort(addr.String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, p, err := net.SplitHostPort(r.Host)
		if err != nil {
			host, p = r.Host, "80"
		}
		ip := net.ParseIP(host)
		if p != port || host != "localhost" && host != listen && (ip == nil || !net.ParseIP(listen).IsUnspecified()) {
			http.Error(w, "this page is not served under that name", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func openBrowser(url string) error {
	switch runtime.GOOS {
	case "darwin":
		return exec.Command("open", url).Start()
	case "windows":
		return exec.Command("rundll32", "url.dll,FileProtocolHandler", url).Start()
	}
	path, err := exec.LookPath("xdg-open")
	if err != nil {
		return errors.New("xdg-open is not installed")
	}
	return exec.Command(path, url).Start()
}

// fetched is the profile that the driver asks for.
type fetched struct{ p *profile.Profile }

func (f fetched) Fetch(string, time.Duration, time.Duration) (*profile.Profile, string, error) {
	return f.p, "", nil
}

// driverFlags are the driver's command line.
type driverFlags struct {
	*flag.FlagSet
	args []string
}

func (f *driverFlags) StringList(name, def, usage string) *[]*string {
	return &[]*string{f.String(name, def, usage)}
}
func (f *driverFlags) ExtraUsage() string   { return "" }
func (f *driverFlags) AddExtraUsage(string) {}
func (f *driverFlags) Parse(usage func()) []string {
	f.Usage = usage
	if err := f.FlagSet.Parse(f.args); err != nil {
		return nil
	}
	return f.Args()
}

// silent is a terminal that says and asks nothing.
type silent struct{}

func (silent) ReadLine(string) (string, error)     { return "", errors.New("there is no terminal") }
func (silent) Print(...any)                        {}
func (silent) PrintErr(...any)                     {}
func (silent) IsTerminal() bool                    { return false }
func (silent) WantBrowser() bool                   { return false }
func (silent) SetAutoComplete(func(string) string) {}
