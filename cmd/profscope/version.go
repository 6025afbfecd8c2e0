package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  profscope version",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, versionLine())
			return err
		},
	}
}

// versionLine is what the verb prints, and --version, as scripts ask any program.
func versionLine() string {
	v := "(unknown)"
	if b, ok := debug.ReadBuildInfo(); ok {
		v = b.Main.Version
	}
	return fmt.Sprintf("profscope %s %s %s/%s", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
