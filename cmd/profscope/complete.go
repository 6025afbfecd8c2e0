package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/importer"
	"github.com/profscope/profscope/internal/launch"
)

// reportNames are all that --report may name.
var reportNames = []string{"scopes", "regions", "states", "functions", "goroutines", "gpu_kernels", "gpu_mem", "cuda_api", "ops", "ranks", "slices"}

// completeValues tells the shells what flags take, verb by verb.
func completeValues(root *cobra.Command) {
	endings := make([]string, len(convert.Outputs))
	for i, e := range convert.Outputs {
		endings[i] = strings.TrimPrefix(e, ".")
	}
	for flag, values := range map[string]func(*cobra.Command) []string{
		"format": func(c *cobra.Command) []string {
			if c.Name() == "convert" {
				return endings
			}
			return format.ReportFormats
		},
		"mode":         func(*cobra.Command) []string { return launch.Modes },
		"report":       func(*cobra.Command) []string { return reportNames },
		"sort":         func(*cobra.Command) []string { return importer.PySorts },
		"profile-self": func(*cobra.Command) []string { return selfModes },
	} {
		complete := func(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			return listed(values(c), typed), cobra.ShellCompDirectiveNoFileComp
		}
		for _, c := range append(root.Commands(), root) {
			if c.Flags().Lookup(flag) != nil || c.PersistentFlags().Lookup(flag) != nil {
				_ = c.RegisterFlagCompletionFunc(flag, complete) // it fails for a flag that is not there alone
			}
		}
	}
}

// completion adds cobra's verb of that name, which writes to what root has for
// standard output by now. Of itself it answers a shell that it does not know with
// its help, and as if that were well.
func completion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	c, _, err := root.Find([]string{"completion"})
	if err != nil || c == root {
		return
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	for _, c := range append(c.Commands(), c) {
		c.Args = noArgs
	}
}

// listed returns the values that go on from what is typed, which may be a list
// that has commas.
func listed(values []string, typed string) []string {
	done := typed[:strings.LastIndexByte(typed, ',')+1]
	var all []string
	for _, v := range values {
		if strings.HasPrefix(done+v, typed) && !slices.Contains(strings.Split(done, ","), v) {
			all = append(all, done+v)
		}
	}
	return all
}
