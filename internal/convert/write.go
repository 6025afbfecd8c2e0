package convert

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/profscope/profscope/internal/format"
)

// OutputOptions say what is written.
type OutputOptions struct {
	SampleType    string // weight of folded stacks, and the default of profiles
	Focus, Ignore string // regular expressions for stacks
}

// Outputs are the endings that Write knows.
var Outputs = []string{".prof", ".pprof", ".pb.gz", ".folded", ".txt"}

// ErrOutput is the error for an ending that is not among Outputs.
var ErrOutput = errors.New(".prof, .pprof, .pb.gz, .folded and .txt work")

// Write writes the inputs, merged, in the format of that ending.
func Write(w io.Writer, ins []*Input, ending string, o OutputOptions) error {
	switch ending {
	case ".prof", ".pprof", ".pb.gz", ".folded":
	case ".txt":
		if len(ins) == 1 && ins[0].Trace != nil && o == (OutputOptions{}) {
			return format.Table(w, ins[0].Trace.Whole, format.TableOptions{})
		}
	case ".pftrace", ".json", ".json.gz", ".trace":
		for _, in := range ins {
			if in.Trace == nil {
				return fmt.Errorf("a timeline cannot be made from a %s: it has sums and no times", in.Kind)
			}
		}
		return fmt.Errorf("%s: %w", ending, ErrOutput)
	default:
		return fmt.Errorf("%s: %w", ending, ErrOutput)
	}
	p, err := Merged(ins)
	if err != nil {
		return err
	}
	if o.Focus != "" || o.Ignore != "" {
		p = p.Copy() // the filter changes it
		if err := Select(p, o.Focus, o.Ignore); err != nil {
			return err
		}
	}
	if o.SampleType != "" {
		if _, err := format.SampleIndex(p, o.SampleType); err != nil {
			return err
		}
		p.DefaultSampleType = o.SampleType
	}
	switch ending {
	case ".folded":
		return format.FoldedProfile(w, p, "")
	case ".txt":
		return format.Reports(w, profileReports(p), format.ReportOptions{})
	}
	return format.WriteProfile(w, p)
}

// Ending returns the ending of a name that decides its format, and ".prof"
// for one that has none.
func Ending(name string) string {
	low := strings.ToLower(name)
	for _, e := range []string{".json.gz", ".pb.gz"} {
		if strings.HasSuffix(low, e) {
			return e
		}
	}
	slash := strings.LastIndexAny(low, `/\`)
	if dot := strings.LastIndexByte(low, '.'); dot > slash+1 {
		return low[dot:]
	}
	return ".prof"
}
