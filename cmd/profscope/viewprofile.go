package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"time"

	"github.com/google/pprof/driver"
	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/convert"
)

// profilePages are pprof's own. Its driver makes them; the server is ours, so
// that it listens where it is told and ends when it is told.
func (a *app) profilePages(ctx context.Context, names []string, in convert.Options) (http.Handler, error) {
	ins, err := a.open(ctx, names, in)
	if err != nil {
		return nil, err
	}
	p, err := convert.Merged(ins)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	err = driver.PProf(&driver.Options{
		Flagset: &driverFlags{FlagSet: flag.NewFlagSet("pprof", flag.ContinueOnError), args: []string{"-http=localhost:0", "-no_browser", "-symbolize=none", "profile"}},
		Fetch:   fetched{p},
		UI:      silent{},
		HTTPServer: func(args *driver.HTTPServerArgs) error {
			for path, h := range args.Handlers {
				mux.Handle(path, h)
			}
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("pprof cannot show this profile: %w", err)
	}
	return mux, nil
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
