package importer

import (
	"fmt"
	"io"

	"github.com/google/pprof/profile"
)

// Pprof reads a profile of any producer: profile.proto, and the legacy formats
// that google/pprof knows.
func Pprof(r io.Reader) (p *profile.Profile, err error) {
	b, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("read pprof profile: %w", err)
	}
	defer func() {
		if v := recover(); v != nil {
			p, err = nil, fmt.Errorf("read pprof profile: its parser panicked: %v", v)
		}
	}()
	if p, err = profile.ParseData(b); err != nil {
		return nil, fmt.Errorf("read pprof profile: %w", err)
	}
	return p, nil
}
