package convert

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/ledger"
)

// ledgerProfile returns l as a profile, as format.Pprof writes it.
func ledgerProfile(l *ledger.Ledger) *profile.Profile {
	var b bytes.Buffer
	err := format.Pprof(&b, l)
	if err == nil {
		var p *profile.Profile
		if p, err = profile.ParseData(b.Bytes()); err == nil {
			return p
		}
	}
	panic(fmt.Sprintf("our own profile cannot be read: %v", err)) // memory has no faults, and tests read every kind
}

// WriteProfile writes p, gzipped. The error is the writer's first one.
func WriteProfile(w io.Writer, p *profile.Profile) error {
	// profile.Write drops the error of closing its gzip writer, and with it
	// the loss of everything that was still buffered.
	zw := gzip.NewWriter(w)
	err := p.WriteUncompressed(zw)
	if cerr := zw.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("writing pprof profile: %w", err)
	}
	return nil
}

// ErrSampleType is the error for a sample type that a profile has not.
var ErrSampleType = errors.New("no sample type")

// sampleIndex finds a sample type of p by its name; "" is the default one,
// which is the last where p names none, as pprof has it.
func sampleIndex(p *profile.Profile, name string) (int, error) {
	if len(p.SampleType) == 0 {
		return 0, fmt.Errorf("the profile has no sample types")
	}
	if name == "" {
		name = p.DefaultSampleType
	}
	if name == "" {
		return len(p.SampleType) - 1, nil
	}
	var names []string
	for i, t := range p.SampleType {
		if t.Type == name {
			return i, nil
		}
		names = append(names, t.Type)
	}
	return 0, fmt.Errorf("%w %q: the profile has %s", ErrSampleType, name, strings.Join(names, ", "))
}
