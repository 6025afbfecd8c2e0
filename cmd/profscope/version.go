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
			v := "(unknown)"
			if b, ok := debug.ReadBuildInfo(); ok {
				v = b.Main.Version
			}
			_, err := fmt.Fprintf(a.stdout, "profscope %s %s %s/%s\n", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
