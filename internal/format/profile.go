package format

import (
	"fmt"
	"io"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/ledger"
)

// Profile returns l as a profile, as Pprof writes it.
func Profile(l *ledger.Ledger) *profile.Profile { return newProfile(l) }

// WriteProfile writes p, gzipped. The error is the writer's first one.
func WriteProfile(w io.Writer, p *profile.Profile) error {
	if err := compressed(w, p); err != nil {
		return fmt.Errorf("writing pprof profile: %w", err)
	}
	return nil
}
